-- The job database, schema 4. One process writes it (docs/architecture.md); anyone may read it.

CREATE TABLE builds (
    id       TEXT PRIMARY KEY,
    course   TEXT NOT NULL,             -- the course file relative to the root, '' for a plain folder
    request  TEXT NOT NULL,             -- JSON
    state    TEXT NOT NULL,             -- queued | running | succeeded | failed | cancelled | invalid
    number   INTEGER NOT NULL,          -- goes up with every change
    created  REAL NOT NULL,             -- seconds since 1970, UTC, like all times here
    started  REAL,
    finished REAL,
    total    INTEGER NOT NULL DEFAULT 0, -- jobs
    done     INTEGER NOT NULL DEFAULT 0, -- jobs that reached an end
    failed   INTEGER NOT NULL DEFAULT 0,
    error    TEXT,                      -- JSON problem, for invalid builds
    discarded INTEGER NOT NULL DEFAULT 0 -- results that came too late and counted for nothing
) STRICT;

CREATE TABLE jobs (
    id       INTEGER PRIMARY KEY,
    build    TEXT NOT NULL REFERENCES builds (id),
    type     TEXT NOT NULL,             -- notebook
    place    TEXT NOT NULL,             -- section:path of its source
    path     TEXT NOT NULL,
    state    TEXT NOT NULL,             -- blocked | queued | running | done | failed | dead | cancelled
    priority INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    attempt  INTEGER NOT NULL DEFAULT 0,
    deaths   TEXT NOT NULL DEFAULT '[]', -- JSON: the cell at which each lost worker was
    worker   INTEGER,
    reason   TEXT NOT NULL DEFAULT '',
    progress TEXT,                      -- JSON, the last one only
    problems TEXT,                      -- JSON
    created  REAL NOT NULL,
    started  REAL,
    finished REAL,
    key      TEXT NOT NULL DEFAULT '',  -- equal for equal work; '': equal to none
    same_as  INTEGER REFERENCES jobs (id) -- the job of another build that does this very work: this one is blocked, and ends with it
) STRICT;
-- Each of these costs every job something: handing out changes the first alone, an end jobs_live alone.
CREATE INDEX jobs_ready ON jobs (type, priority DESC, id) WHERE state = 'queued' AND not_before = 0;
CREATE INDEX jobs_later ON jobs (not_before) WHERE state = 'queued' AND not_before > 0;
CREATE INDEX jobs_of_build ON jobs (build);
CREATE INDEX jobs_live ON jobs (build) WHERE finished IS NULL;
CREATE INDEX jobs_by_key ON jobs (key) WHERE key != '' AND same_as IS NULL AND finished IS NULL;
CREATE INDEX jobs_same ON jobs (same_as) WHERE same_as IS NOT NULL AND finished IS NULL;

CREATE TABLE specs (                    -- apart from the jobs: they are many kilobytes, and each change of a row writes all of it again
    job      INTEGER PRIMARY KEY REFERENCES jobs (id),
    spec     TEXT NOT NULL              -- JSON: the job without contents and without secrets
) STRICT;

CREATE TABLE needs (                    -- jobs that wait (blocked) until others have ended
    job      INTEGER NOT NULL REFERENCES jobs (id),
    needs    INTEGER NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (job, needs)
) STRICT, WITHOUT ROWID;
CREATE INDEX needed_by ON needs (needs);

CREATE TABLE attempts (
    job      INTEGER NOT NULL REFERENCES jobs (id),
    attempt  INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    worker   INTEGER,
    pid      INTEGER,
    started  REAL NOT NULL,
    ended    REAL,
    outcome  TEXT,                      -- ok | failed | changed | cancelled | infrastructure | lost | timeout
    signal   INTEGER,
    executions INTEGER,
    kernels  INTEGER,
    memory   INTEGER,                   -- most bytes that its process tree held
    cpu      REAL,                      -- seconds that its process tree computed
    PRIMARY KEY (job, attempt)
) STRICT;

CREATE TABLE workers (
    id       INTEGER PRIMARY KEY,
    type     TEXT NOT NULL,
    executor TEXT NOT NULL,
    host     TEXT NOT NULL,
    pid      INTEGER,
    state    TEXT NOT NULL,             -- starting | idle | busy | gone
    job      INTEGER,
    started  REAL NOT NULL,
    heard    REAL,                      -- when its last frame came
    done     INTEGER NOT NULL DEFAULT 0,
    failed   INTEGER NOT NULL DEFAULT 0,
    cpu      REAL,                      -- percent of one processor, at the last look
    memory   INTEGER                    -- bytes, at the last look
) STRICT;

CREATE TABLE outputs (
    name     TEXT PRIMARY KEY,          -- folder of the target, '/', path
    course   TEXT NOT NULL,
    place    TEXT NOT NULL,             -- of its source
    variant  TEXT NOT NULL,
    key      TEXT NOT NULL,
    state    TEXT NOT NULL,             -- built | failed | skipped | withdrawn
    reason   TEXT NOT NULL,
    sha256   TEXT,                      -- of what was accepted for this path; written before it is published
    size     INTEGER,
    mtime_ns INTEGER,                   -- of the published file, to see at a glance that it is untouched
    assets   TEXT NOT NULL DEFAULT '[]', -- JSON: files it refers to, relative to the source's folder
    shown    TEXT NOT NULL DEFAULT '[]', -- JSON: short hashes of the cells it shows
    note     TEXT NOT NULL DEFAULT '',
    problem  TEXT NOT NULL DEFAULT '',
    built    REAL
) STRICT;
CREATE INDEX outputs_of_course ON outputs (course, place);

CREATE TABLE sources (
    course   TEXT NOT NULL,
    place    TEXT NOT NULL,
    parts    TEXT NOT NULL,             -- JSON: the parts of its fingerprint
    problems TEXT NOT NULL,             -- JSON
    runs     TEXT NOT NULL DEFAULT '{}', -- JSON: by language, the key of its run and the files that it wrote and was given
    PRIMARY KEY (course, place)
) STRICT;

CREATE TABLE files (
    path     TEXT PRIMARY KEY,
    mtime_ns INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    inode    INTEGER NOT NULL,
    sha256   TEXT NOT NULL
) STRICT;
