"""Where workers run. An executor starts worker programs; queue, fencing, retries and publishing know nothing of it."""
