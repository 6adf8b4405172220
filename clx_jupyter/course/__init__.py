"""Reading a course: three spellings (a plain folder, CLX/CLM's XML, ``course.yaml``), one frozen :class:`Course`."""
