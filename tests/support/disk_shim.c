/* A disk that fails and forgets, for tests: loaded with LD_PRELOAD, it sees what a process does to the files below one folder.

   SHIM_ROOT    the folder.
   SHIM_LOG     every change of a name and every fsync is a line here, in order: kind, path, second path or number, a byte of 1 between them.
   SHIM_STORE   what a file holds when it is synced is copied to this folder, under the number in the log.
   SHIM_FAIL    n: the n-th write below the folder fails, and every one after it, until the process ends.
   SHIM_ERRNO   with this number (28, a full disk, unless given).
   SHIM_KILL    n: the process is killed, as by kill -9, just before its n-th change.
   SHIM_COUNT   a file that gets the number of changes when the process calls shim_end.

A process that forks calls shim_begin in the child, once these variables are what it wants.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *root, *store;
static int log_to = -1, fail_errno = ENOSPC;
static long fail_at, kill_at, seen, synced;
static void note(const char *kind, const char *one, const char *two);
static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) void shim_begin(void) {
    seen = fail_at = kill_at = 0;
    log_to = -1;
    root = getenv("SHIM_ROOT");
    store = getenv("SHIM_STORE");
    if (getenv("SHIM_FAIL")) fail_at = atol(getenv("SHIM_FAIL"));
    if (getenv("SHIM_KILL")) kill_at = atol(getenv("SHIM_KILL"));
    if (getenv("SHIM_ERRNO")) fail_errno = atoi(getenv("SHIM_ERRNO"));
    if (getenv("SHIM_LOG")) log_to = syscall(SYS_openat, AT_FDCWD, getenv("SHIM_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

void shim_end(void) {
    const char *file = getenv("SHIM_COUNT");
    if (!file) return;
    char text[32];
    int length = snprintf(text, sizeof text, "%ld", seen);
    int handle = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (handle >= 0) { (void)!syscall(SYS_write, handle, text, length); syscall(SYS_close, handle); }
}

/* A folder whose name stands for a confirmation: it counts as no change. */
int shim_confirm(const char *path) {
    int result = syscall(SYS_mkdirat, AT_FDCWD, path, 0700);
    if (!result) note("mkdir", path, "");
    return result;
}

/* The whole path of a name below a folder's descriptor, without the links it leads through. */
static int whole(int folder, const char *name, char *out) {
    char base[4096] = "";
    if (name[0] != '/') {
        if (folder == AT_FDCWD) { if (!getcwd(base, sizeof base)) return 0; }
        else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
            ssize_t length = readlink(link, base, sizeof base - 1);
            if (length < 0) return 0;
            base[length] = 0;
        }
        snprintf(out, 8192, "%s/%s", base, name);
    } else snprintf(out, 8192, "%s", name);
    return 1;
}

static int of_handle(int handle, char *out) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, out, 8191);
    if (length < 0) return 0;
    out[length] = 0;
    return 1;
}

static int below(const char *path) {
    size_t length = root ? strlen(root) : 0;
    return length && !strncmp(path, root, length) && (path[length] == '/' || path[length] == 0);
}

static void note(const char *kind, const char *one, const char *two) {
    if (log_to < 0) return;
    char line[20000];
    int length = snprintf(line, sizeof line, "%s%c%s%c%s\n", kind, 1, one, 1, two);
    (void)!syscall(SYS_write, log_to, line, length);
}

/* The number of this change; the process may not survive it. */
static long counted(void) {
    pthread_mutex_lock(&turn);
    long mine = ++seen;
    if (kill_at && mine >= kill_at) kill(getpid(), SIGKILL);
    pthread_mutex_unlock(&turn);
    return mine;
}

/* Whether this write fails. */
static int refused(const char *path) {
    if (!below(path)) return 0;
    long mine = counted();
    if (!fail_at || mine < fail_at) return 0;
    errno = fail_errno;
    return 1;
}

static int refused_handle(int handle) {
    char path[8192];
    return root && of_handle(handle, path) && refused(path);
}

static void keep(int handle, const char *path) {
    if (!store) return;
    char target[8192], number[32], link[64], buffer[65536];
    snprintf(number, sizeof number, "%d-%ld", getpid(), ++synced);
    snprintf(target, sizeof target, "%s/%s", store, number);
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    int from = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
    int to = syscall(SYS_openat, AT_FDCWD, target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got;
    while ((got = syscall(SYS_read, from, buffer, sizeof buffer)) > 0) (void)!syscall(SYS_write, to, buffer, got);
    syscall(SYS_close, from);
    syscall(SYS_close, to);
    note("sync", path, number);
}

static void synced_handle(int handle) {
    char path[8192];
    struct stat facts;
    if (!root || !of_handle(handle, path) || !below(path) || fstat(handle, &facts)) return;
    if (S_ISDIR(facts.st_mode)) note("syncdir", path, "");
    else keep(handle, path);
}

#define LOCKED(expression) pthread_mutex_lock(&turn); __typeof__(expression) result = (expression); int kept = errno
#define UNLOCKED pthread_mutex_unlock(&turn); errno = kept; return result

int fsync(int handle) { if (refused_handle(handle)) return -1; LOCKED(REAL(fsync)(handle)); if (!result) synced_handle(handle); UNLOCKED; }
int fdatasync(int handle) { if (refused_handle(handle)) return -1; LOCKED(REAL(fdatasync)(handle)); if (!result) synced_handle(handle); UNLOCKED; }

static int opened(int folder, const char *name, int flags, mode_t mode) {
    char path[8192];
    if (!root || !(flags & (O_CREAT | O_TRUNC)) || !whole(folder, name, path) || !below(path))
        return syscall(SYS_openat, folder, name, flags, mode);
    if (refused(path)) return -1;
    struct stat facts;
    int there = !fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW);
    LOCKED((int)syscall(SYS_openat, folder, name, flags, mode));
    if (result >= 0 && !there) note("create", path, "");
    UNLOCKED;
}

#define MODE mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, int); va_end(rest); }
int open(const char *name, int flags, ...) { MODE return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE return opened(AT_FDCWD, name, flags, mode); }
int openat(int folder, const char *name, int flags, ...) { MODE return opened(folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { MODE return opened(folder, name, flags, mode); }
int creat(const char *name, mode_t mode) { return opened(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *name, mode_t mode) { return opened(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static FILE *streamed(FILE *(*real)(const char *, const char *), const char *name, const char *mode) {
    char path[8192];
    struct stat facts;
    if (!root || mode[0] == 'r' || !whole(AT_FDCWD, name, path) || !below(path)) return real(name, mode);
    if (refused(path)) return NULL;
    int there = !lstat(name, &facts);
    LOCKED(real(name, mode));
    if (result && !there) note("create", path, "");
    UNLOCKED;
}
FILE *fopen(const char *name, const char *mode) { return streamed(REAL(fopen), name, mode); }
FILE *fopen64(const char *name, const char *mode) { return streamed(REAL(fopen64), name, mode); }

ssize_t write(int handle, const void *data, size_t size) { return refused_handle(handle) ? -1 : syscall(SYS_write, handle, data, size); }
ssize_t pwrite(int handle, const void *data, size_t size, off_t at) { return refused_handle(handle) ? -1 : syscall(SYS_pwrite64, handle, data, size, at); }
ssize_t pwrite64(int handle, const void *data, size_t size, off64_t at) { return refused_handle(handle) ? -1 : syscall(SYS_pwrite64, handle, data, size, at); }
ssize_t writev(int handle, const struct iovec *parts, int count) { return refused_handle(handle) ? -1 : syscall(SYS_writev, handle, parts, count); }
size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) { return refused_handle(fileno(stream)) ? 0 : REAL(fwrite)(data, size, count, stream); }
ssize_t sendfile(int to, int from, off_t *at, size_t size) { return refused_handle(to) ? -1 : REAL(sendfile)(to, from, at, size); }
ssize_t sendfile64(int to, int from, off64_t *at, size_t size) { return refused_handle(to) ? -1 : REAL(sendfile64)(to, from, at, size); }

/* Changes of names. Removing a name needs no space, so it never fails here. */
#define TWO(kind, folder, name, other_folder, other, call, can_fail) \
    char path[8192], second[8192]; \
    if (!root || !whole(folder, name, path) || !whole(other_folder, other, second) || !(below(path) || below(second))) return call; \
    if (can_fail && refused(second)) return -1; \
    LOCKED(call); if (!result) note(kind, path, second); UNLOCKED
#define ONE(kind, folder, name, call, can_fail) \
    char path[8192]; \
    if (!root || !whole(folder, name, path) || !below(path)) return call; \
    if (can_fail) { if (refused(path)) return -1; } else counted(); \
    LOCKED(call); if (!result) note(kind, path, ""); UNLOCKED

int rename(const char *a, const char *b) { TWO("rename", AT_FDCWD, a, AT_FDCWD, b, REAL(rename)(a, b), 1); }
int renameat(int f, const char *a, int g, const char *b) { TWO("rename", f, a, g, b, REAL(renameat)(f, a, g, b), 1); }
int link(const char *a, const char *b) { TWO("link", AT_FDCWD, a, AT_FDCWD, b, REAL(link)(a, b), 1); }
int linkat(int f, const char *a, int g, const char *b, int flags) { TWO("link", f, a, g, b, REAL(linkat)(f, a, g, b, flags), 1); }
int mkdir(const char *a, mode_t mode) { ONE("mkdir", AT_FDCWD, a, REAL(mkdir)(a, mode), 1); }
int mkdirat(int f, const char *a, mode_t mode) { ONE("mkdir", f, a, REAL(mkdirat)(f, a, mode), 1); }
int rmdir(const char *a) { ONE("unlink", AT_FDCWD, a, REAL(rmdir)(a), 0); }
int unlink(const char *a) { ONE("unlink", AT_FDCWD, a, REAL(unlink)(a), 0); }
int remove(const char *a) { ONE("unlink", AT_FDCWD, a, REAL(remove)(a), 0); }
int unlinkat(int f, const char *a, int flags) { ONE("unlink", f, a, REAL(unlinkat)(f, a, flags), 0); }
