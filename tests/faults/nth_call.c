/* Kills the process at its n-th change of a file below a folder, or lets that call fail: the fault comes from where real ones come from.
   NTH_BELOW: the folder; NTH_AT: n, from 1; NTH_ERROR: the error number, 0 for SIGKILL; NTH_TO: the last call that fails, n if it is not
   there; NTH_LOG: a file that gets a line for each such call. Only for tests: LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long count = 0;

static int below(const char *path) {
    const char *folder = getenv("NTH_BELOW");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int fd_below(int fd) {
    char link[64], path[PATH_MAX];
    if (!getenv("NTH_BELOW")) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return below(path);
}

/* 1 if this call is to fail; does not return if the process is to die. */
static int fails(const char *name, const char *path) {
    const char *at = getenv("NTH_AT"), *to = getenv("NTH_TO"), *error = getenv("NTH_ERROR"), *log = getenv("NTH_LOG");
    pthread_mutex_lock(&mutex);
    long now = ++count;
    pthread_mutex_unlock(&mutex);
    if (log) {
        char line[PATH_MAX + 64];
        int size = snprintf(line, sizeof line, "%ld %s %s\n", now, name, path);
        int file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        syscall(SYS_write, file, line, size);
        syscall(SYS_close, file);
    }
    long first = at ? atol(at) : 0, last = to ? atol(to) : first;
    if (!first || now < first || now > last) return 0;
    if (!error || !atoi(error)) {
        syscall(SYS_kill, getpid(), SIGKILL);
        for (;;) pause();
    }
    errno = atoi(error);
    return 1;
}

#define REAL(type, name, ...) type (*real)(__VA_ARGS__) = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); } \
        if ((flags & (O_WRONLY | O_RDWR)) && below(path) && fails("open", path)) return -1; \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define ON_PATH(name) \
    int name(const char *path) { REAL(int, name, const char *); if (below(path) && fails(#name, path)) return -1; return real(path); }
ON_PATH(unlink)
ON_PATH(rmdir)

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    if (below(path) && fails("mkdir", path)) return -1;
    return real(path, mode);
}

int rename(const char *old, const char *new) {
    REAL(int, rename, const char *, const char *);
    if (below(new) && fails("rename", new)) return -1;
    return real(old, new);
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    if (fd_below(fd) && fails("write", "")) return -1;
    return real(fd, data, size);
}

int fsync(int fd) {
    REAL(int, fsync, int);
    if (fd_below(fd) && fails("fsync", "")) return -1;
    return real(fd);
}

int fchmod(int fd, mode_t mode) {
    REAL(int, fchmod, int, mode_t);
    if (fd_below(fd) && fails("fchmod", "")) return -1;
    return real(fd, mode);
}
