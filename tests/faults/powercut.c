/* Writes down every change a process makes below one folder, in order, so that a power cut can be played afterwards.
 *
 * LD_PRELOADed. POWERCUT_ROOT is the folder, POWERCUT_LOG the log. A record is one line
 *   <what> <offset> <length> <path>[\t<second path>]\n
 * followed by <length> bytes of data: W write, T truncate, S sync (of a file or a folder), R rename, U unlink,
 * D mkdir, C a file made by opening it. POWERCUT_ROOM, if set, is how many bytes may still be written before the disk is full.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static long long written = 0;

#define REAL(result, name, ...) \
    static result (*real_##name)(__VA_ARGS__); \
    if (!real_##name) real_##name = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static ssize_t put(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    return real_write(fd, data, size);
}

static int below(const char *path) {
    const char *root = getenv("POWERCUT_ROOT");
    return root && strncmp(path, root, strlen(root)) == 0;
}

static int named(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return below(path);
}

static void absolute(const char *given, char *path) {
    if (given[0] == '/' || !getcwd(path, PATH_MAX)) { snprintf(path, PATH_MAX, "%s", given); return; }
    size_t size = strlen(path);
    snprintf(path + size, PATH_MAX - size, "/%s", given);
}

static void note(char what, const char *path, const char *other, long long at, const void *data, size_t size) {
    static int log = -1;
    char head[3 * PATH_MAX];
    REAL(int, open64, const char *, int, ...);
    if (log < 0) log = real_open64(getenv("POWERCUT_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int length = snprintf(head, sizeof head, "%c %lld %zu %s%s%s\n", what, at, size, path, other ? "\t" : "", other ? other : "");
    put(log, head, length);
    if (size) put(log, data, size);
}

static int full(size_t size) {
    const char *room = getenv("POWERCUT_ROOM");
    return room && (written += size) > atoll(room);
}

static ssize_t logged(int fd, const void *data, size_t size, long long at, ssize_t (*real)(int, const void *, size_t, long long)) {
    char path[PATH_MAX];
    if (!named(fd, path)) return real(fd, data, size, at);
    pthread_mutex_lock(&turn);
    if (full(size)) { pthread_mutex_unlock(&turn); errno = ENOSPC; return -1; }
    long long where = at >= 0 ? at : (fcntl(fd, F_GETFL) & O_APPEND) ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    ssize_t done = real(fd, data, size, at);
    if (done > 0) note('W', path, NULL, where, data, done);
    pthread_mutex_unlock(&turn);
    return done;
}

static ssize_t plainly(int fd, const void *data, size_t size, long long at) { (void)at; return put(fd, data, size); }

static ssize_t placed(int fd, const void *data, size_t size, long long at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    return real_pwrite64(fd, data, size, at);
}

ssize_t write(int fd, const void *data, size_t size) { return logged(fd, data, size, -1, plainly); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return logged(fd, data, size, at, placed); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return logged(fd, data, size, at, placed); }

#define ON_FILE(name, what, place, real_call) \
    char path[PATH_MAX]; \
    int ours = named(fd, path); \
    pthread_mutex_lock(&turn); \
    int done = real_call; \
    if (done == 0 && ours) note(what, path, NULL, place, NULL, 0); \
    pthread_mutex_unlock(&turn); \
    return done

int fsync(int fd) { REAL(int, fsync, int); ON_FILE(fsync, 'S', 0, real_fsync(fd)); }
int fdatasync(int fd) { REAL(int, fdatasync, int); ON_FILE(fdatasync, 'S', 0, real_fdatasync(fd)); }
int ftruncate(int fd, off_t size) { REAL(int, ftruncate, int, off_t); ON_FILE(ftruncate, 'T', size, real_ftruncate(fd, size)); }
int ftruncate64(int fd, off64_t size) { REAL(int, ftruncate64, int, off64_t); ON_FILE(ftruncate64, 'T', size, real_ftruncate64(fd, size)); }

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    char one[PATH_MAX], other[PATH_MAX];
    absolute(from, one), absolute(to, other);
    pthread_mutex_lock(&turn);
    int done = real_rename(from, to);
    if (done == 0 && below(other)) note('R', one, other, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int unlink(const char *given) {
    REAL(int, unlink, const char *);
    char path[PATH_MAX];
    absolute(given, path);
    pthread_mutex_lock(&turn);
    int done = real_unlink(given);
    if (done == 0 && below(path)) note('U', path, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int mkdir(const char *given, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    char path[PATH_MAX];
    absolute(given, path);
    pthread_mutex_lock(&turn);
    int done = real_mkdir(given, mode);
    if (done == 0 && below(path)) note('D', path, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

#define OPENING(name, declared, passed, given, base) \
    int name declared { \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
        static int (*real) declared; \
        if (!real) real = (int (*) declared)dlsym(RTLD_NEXT, #name); \
        char path[PATH_MAX]; \
        absolute(given, path); \
        int makes = (flags & O_CREAT) && (base) == AT_FDCWD && below(path) && access(path, F_OK) != 0; \
        pthread_mutex_lock(&turn); \
        int fd = real passed; \
        if (fd >= 0 && makes) note('C', path, NULL, 0, NULL, 0); \
        pthread_mutex_unlock(&turn); \
        return fd; \
    }

OPENING(open, (const char *given, int flags, ...), (given, flags, mode), given, AT_FDCWD)
OPENING(open64, (const char *given, int flags, ...), (given, flags, mode), given, AT_FDCWD)
OPENING(openat, (int at, const char *given, int flags, ...), (at, given, flags, mode), given, at)
OPENING(openat64, (int at, const char *given, int flags, ...), (at, given, flags, mode), given, at)
