/* Stands between a process and libc where files are changed: counts such calls, kills at the n-th, or fails it.
 *
 * Loaded with LD_PRELOAD and asleep until `shim_arm`. Only files below one folder count, and their opening only where it
 * makes or empties one. What libc calls inside itself is not seen (flushing a FILE), so fwrite and fclose count instead.
 * Checked against /proc/self/io: Python's SQLite and the native code of Chroma make no write that passes it by.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITES = 1, SYNCS = 2, NAMES = 4, SIZES = 8 };
enum mode { COUNT = 0, KILL = 1, TEAR = 2, FAIL_ONCE = 3, FAIL_FROM = 4 };

static char folder[PATH_MAX];
static size_t folder_length;
static atomic_int mode = -1;
static atomic_long seen, nth;
static int kinds, error, trace = -1;

/* Begin to count calls of these kinds below `path`; `log` gets a line for each, -1 none. */
void shim_arm(const char *path, int what, int of, long at, int number, int log) {
    atomic_store(&mode, -1);
    folder_length = strlen(path);
    memcpy(folder, path, folder_length + 1);
    kinds = of;
    error = number;
    trace = log;
    atomic_store(&nth, at);
    atomic_store(&seen, 0);
    atomic_store(&mode, what);
}

void shim_disarm(void) { atomic_store(&mode, -1); }

long shim_seen(void) { return atomic_load(&seen); }

static int below(const char *path) {
    return strncmp(path, folder, folder_length) == 0 && (path[folder_length] == '/' || path[folder_length] == 0);
}

static int path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return 1;
}

static int absolute(int directory, const char *given, char *path) {
    if (given[0] == '/') {
        snprintf(path, PATH_MAX, "%s", given);
        return 1;
    }
    char base[PATH_MAX];
    if (directory == AT_FDCWD ? getcwd(base, sizeof base) == NULL : !path_of(directory, base)) return 0;
    return snprintf(path, PATH_MAX, "%s/%s", base, given) < PATH_MAX;
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

/* What is to become of a call: 0 goes on, 1 fails with `error`, 2 is to be torn (half of it, then the end). */
static int judge(const char *name, enum kind kind, const char *path) {
    int what = atomic_load(&mode);
    if (what < 0 || !(kinds & kind) || !below(path)) return 0;
    long number = atomic_fetch_add(&seen, 1) + 1;
    if (trace >= 0) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%s %s\n", name, path + folder_length);
        syscall(SYS_write, trace, line, (size_t)length);
    }
    if (what == COUNT || number < nth || (number > nth && what != FAIL_FROM)) return 0;
    if (what == KILL || (what == TEAR && kind != WRITES)) die();
    if (what == TEAR) return 2;
    errno = error;
    return 1;
}

static int judge_fd(const char *name, enum kind kind, int descriptor) {
    char path[PATH_MAX];
    if (atomic_load(&mode) < 0) return 0;
    int before = errno;
    int found = path_of(descriptor, path);
    errno = before;
    return found ? judge(name, kind, path) : 0;
}

static int judge_at(const char *name, enum kind kind, int directory, const char *given) {
    char path[PATH_MAX];
    if (atomic_load(&mode) < 0 || !absolute(directory, given, path)) return 0;
    return judge(name, kind, path);
}

/* Opening counts where it makes a file or empties one; what is there already is not made. */
static int judge_open(const char *name, int directory, const char *path, int flags) {
    if (atomic_load(&mode) < 0) return 0;
    int before = errno, there = faccessat(directory, path, F_OK, 0) == 0;
    errno = before;
    return there && !(flags & O_TRUNC) ? 0 : judge_at(name, NAMES, directory, path);
}

#define REAL(type, name, ...)                          \
    static type (*real)(__VA_ARGS__);                  \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    int fate = judge_fd("write", WRITES, fd);
    if (fate == 1) return -1;
    if (fate == 2) real(fd, data, size / 2), die();
    return real(fd, data, size);
}

#define POSITIONED(name, offset)                                        \
    ssize_t name(int fd, const void *data, size_t size, offset at) {    \
        REAL(ssize_t, #name, int, const void *, size_t, offset);        \
        int fate = judge_fd(#name, WRITES, fd);                         \
        if (fate == 1) return -1;                                       \
        if (fate == 2) real(fd, data, size / 2, at), die();             \
        return real(fd, data, size, at);                                \
    }
POSITIONED(pwrite, off_t)
POSITIONED(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    int fate = judge_fd("writev", WRITES, fd);
    if (fate == 1) return -1;
    if (fate == 2) real(fd, parts, count / 2), die();
    return real(fd, parts, count);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    int fate = judge_fd("fwrite", WRITES, fileno(file));
    if (fate == 1) return 0;
    if (fate == 2) real(data, size, count / 2, file), fflush(file), die();
    return real(data, size, count, file);
}

int fclose(FILE *file) {
    REAL(int, "fclose", FILE *);
    int flags = fcntl(fileno(file), F_GETFL);
    if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && judge_fd("fclose", WRITES, fileno(file))) {
        if (atomic_load(&mode) == TEAR) die();
        int number = errno;
        real(file);
        errno = number;
        return EOF;
    }
    return real(file);
}

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *where, size_t size, unsigned flags) {
    REAL(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned);
    int fate = judge_fd("copy_file_range", WRITES, to);
    if (fate == 1) return -1;
    if (fate == 2) real(from, at, to, where, size / 2, flags), die();
    return real(from, at, to, where, size, flags);
}

#define SENDING(name, offset)                                       \
    ssize_t name(int to, int from, offset *at, size_t size) {       \
        REAL(ssize_t, #name, int, int, offset *, size_t);           \
        int fate = judge_fd(#name, WRITES, to);                     \
        if (fate == 1) return -1;                                   \
        if (fate == 2) real(to, from, at, size / 2), die();         \
        return real(to, from, at, size);                            \
    }
SENDING(sendfile, off_t)
SENDING(sendfile64, off64_t)

#define SYNCING(name)                                       \
    int name(int fd) {                                      \
        REAL(int, #name, int);                              \
        return judge_fd(#name, SYNCS, fd) ? -1 : real(fd);  \
    }
SYNCING(fsync)
SYNCING(fdatasync)

#define SIZING(name, offset)                                        \
    int name(int fd, offset size) {                                 \
        REAL(int, #name, int, offset);                              \
        return judge_fd(#name, SIZES, fd) ? -1 : real(fd, size);    \
    }
SIZING(ftruncate, off_t)
SIZING(ftruncate64, off64_t)

#define ALLOCATING(name, offset)                                                            \
    int name(int fd, offset at, offset size) {                                              \
        REAL(int, #name, int, offset, offset);                                              \
        return judge_fd(#name, WRITES, fd) ? error : real(fd, at, size);                    \
    }
ALLOCATING(posix_fallocate, off_t)
ALLOCATING(posix_fallocate64, off64_t)

#define OPENING(name)                                                                           \
    int name(const char *path, int flags, ...) {                                                \
        REAL(int, #name, const char *, int, ...);                                               \
        va_list more;                                                                           \
        va_start(more, flags);                                                                  \
        mode_t mask = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                 \
        va_end(more);                                                                           \
        if (flags & (O_CREAT | O_TRUNC) && judge_open(#name, AT_FDCWD, path, flags)) return -1; \
        return real(path, flags, mask);                                                         \
    }

OPENING(open)
OPENING(open64)

int openat(int directory, const char *path, int flags, ...) {
    REAL(int, "openat", int, const char *, int, ...);
    va_list more;
    va_start(more, flags);
    mode_t mask = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (flags & (O_CREAT | O_TRUNC) && judge_open("openat", directory, path, flags)) return -1;
    return real(directory, path, flags, mask);
}

#define FILING(name)                                                                            \
    FILE *name(const char *path, const char *how) {                                             \
        REAL(FILE *, #name, const char *, const char *);                                        \
        int flags = strchr(how, 'w') ? O_CREAT | O_TRUNC : strchr(how, 'a') ? O_CREAT : 0;      \
        return flags && judge_open(#name, AT_FDCWD, path, flags) ? NULL : real(path, how);      \
    }
FILING(fopen)
FILING(fopen64)

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return judge_at("rename", NAMES, AT_FDCWD, to) ? -1 : real(from, to);
}

int renameat(int a, const char *from, int b, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    return judge_at("renameat", NAMES, b, to) ? -1 : real(a, from, b, to);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    return judge_at("unlink", NAMES, AT_FDCWD, path) ? -1 : real(path);
}

int unlinkat(int directory, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    return judge_at("unlinkat", NAMES, directory, path) ? -1 : real(directory, path, flags);
}

int rmdir(const char *path) {
    REAL(int, "rmdir", const char *);
    return judge_at("rmdir", NAMES, AT_FDCWD, path) ? -1 : real(path);
}

int mkdir(const char *path, mode_t mask) {
    REAL(int, "mkdir", const char *, mode_t);
    return judge_open("mkdir", AT_FDCWD, path, 0) ? -1 : real(path, mask);
}
