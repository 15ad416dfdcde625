/*
 * A library for LD_PRELOAD that lets calls of the system fail, or stops the process at one of them as a loss of power
 * would.
 * SPDX-License-Identifier: Apache-2.0
 *
 * It counts what changes files below FAULT_BELOW: files and directories that are made, writes, changes of size, syncs,
 * renames and removals. At the call FAULT_AT it does what FAULT_MODE says, and writes the name of the call into the file
 * FAULT_REPORT:
 *
 *   once     the call fails with the number FAULT_ERRNO; later ones work; with FAULT_MORE the process ends so many
 *            calls later
 *   on       it fails, and so does every one after it
 *   short    where it is a write, half of the bytes are written
 *   full     the disk is full: half of the bytes are written, and whatever needs room fails from then on
 *   stop     the process ends before the call, as if it were killed
 *   power    the same, and what was not synced is lost: all writes, and all files that were made, renamed or removed
 *   torn     the same, but only some of it is lost: any of the writes, or parts of them, and the last of the changes
 *            to directories
 *   forget   a sync fails, and what it should have brought to the disk never comes there; FAULT_MORE calls later the
 *            power fails
 *
 * Where FAULT_AT is 0 nothing happens, and the report gets a line for each call.
 *
 * Syncs are not passed on to the system: what is known here decides what a loss of power leaves. Files ending in "-shm"
 * have nothing that outlives the process. FAULT_KEEP is a directory beside FAULT_BELOW for what may have to come back.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_DESCRIPTORS = 4096, STOPPED = 77, SECTOR = 512 };

/* A write since the last sync, or a change of size, which has no bytes. */
typedef struct change {
    struct change *next;
    off_t offset; /* the new size of a change of size */
    size_t size;
    unsigned char *bytes;
} change;

typedef struct file {
    struct file *next;
    dev_t device;
    ino_t inode;
    char *path;
    int descriptor; /* of our own */
    bool is_volatile;
    unsigned char *image; /* the content that the disk has; NULL: all of it, nothing was written yet */
    size_t image_size;
    change *first, **end;
} file;

/* A change of a directory since its last sync. */
typedef enum kind { MADE, REMOVED, RENAMED } kind;
typedef struct entry {
    kind kind;
    char *path; /* what was made or removed, or the new name */
    char *from; /* the old name */
    char *kept; /* where what was removed, or replaced, is kept; or NULL */
} entry;

static struct {
    const char *below, *keep, *report;
    size_t below_length;
    enum { NONE, ONCE, ON, SHORT, FULL, STOP, POWER, TORN, FORGET } mode;
    long at, more, calls;
    int error;
    uint64_t random;
} fault;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static file *files;
static file *open_files[MOST_DESCRIPTORS];
static char *open_directories[MOST_DESCRIPTORS];
static entry entries[65536];
static size_t entry_count;
static long kept_count;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_rmdir)(const char *);

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

__attribute__((constructor)) static void begin(void)
{
    *(void **)&real_open = dlsym(RTLD_NEXT, "open");
    *(void **)&real_close = dlsym(RTLD_NEXT, "close");
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    *(void **)&real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    *(void **)&real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    *(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_rename = dlsym(RTLD_NEXT, "rename");
    *(void **)&real_unlink = dlsym(RTLD_NEXT, "unlink");
    *(void **)&real_mkdir = dlsym(RTLD_NEXT, "mkdir");
    *(void **)&real_rmdir = dlsym(RTLD_NEXT, "rmdir");
    fault.below = variable("FAULT_BELOW");
    fault.below_length = strlen(fault.below);
    fault.keep = variable("FAULT_KEEP");
    fault.report = variable("FAULT_REPORT");
    fault.at = atol(variable("FAULT_AT"));
    fault.more = atol(variable("FAULT_MORE"));
    fault.error = atoi(variable("FAULT_ERRNO"));
    fault.random = strtoull(variable("FAULT_SEED"), NULL, 10) * 0x9e3779b97f4a7c15u + (uint64_t)fault.at;
    static const char *const names[] = { "", "once", "on", "short", "full", "stop", "power", "torn", "forget" };
    for (size_t i = 1; i < sizeof names / sizeof *names; i++)
        if (strcmp(variable("FAULT_MODE"), names[i]) == 0) fault.mode = i;
}

static uint64_t next_random(void)
{
    uint64_t z = fault.random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool is_ours(const char *path)
{
    size_t length = fault.below_length;
    return length > 0 && strncmp(path, fault.below, length) == 0 && path[length] == '/';
}

static bool loses(void) { return fault.mode == POWER || fault.mode == TORN || fault.mode == FORGET; }

static char *kept_path(void)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%ld", fault.keep, kept_count++) < 0) abort();
    return path;
}

/* The name of a file from now on, in everything that is known. Of a directory: those of all files in it. */
static void replace_path(char **path, const char *from, const char *to)
{
    size_t length = strlen(from);
    if (*path == NULL || strncmp(*path, from, length) != 0 || ((*path)[length] != 0 && (*path)[length] != '/')) return;
    char *moved = NULL;
    if (asprintf(&moved, "%s%s", to, *path + length) < 0) abort();
    free(*path);
    *path = moved;
}

static void move_paths(const char *from, const char *to)
{
    for (file *f = files; f; f = f->next) replace_path(&f->path, from, to);
    for (int i = 0; i < MOST_DESCRIPTORS; i++) replace_path(&open_directories[i], from, to);
    for (size_t i = 0; i < entry_count; i++) {
        replace_path(&entries[i].path, from, to);
        replace_path(&entries[i].from, from, to);
    }
}

/* What is in files ------------------------------------------------------------------ */

/* Brings a change into the content that the disk has. */
static void apply(file *f, const change *c, bool may_tear)
{
    size_t from = 0, to = c->size;
    if (may_tear && c->bytes) {
        /* A part of it that begins or ends where sectors do. */
        uint64_t how = next_random() % 4;
        size_t at = next_random() % (c->size + 1) / SECTOR * SECTOR;
        if (how == 0) return;
        if (how == 1) from = at;
        if (how == 2) to = at;
    } else if (may_tear && next_random() % 2) {
        return;
    }
    size_t end = (size_t)c->offset + to;
    if (end > f->image_size || !c->bytes) {
        f->image = realloc(f->image, end + 1);
        if (end > f->image_size) memset(f->image + f->image_size, 0, end - f->image_size);
        f->image_size = end;
    }
    if (to > from) memcpy(f->image + c->offset + from, c->bytes + from, to - from);
}

/* Ends the list of changes. They are on the disk now, or they will never be. */
static void settle(file *f, bool are_applied)
{
    for (change *c = f->first, *next; c; c = next) {
        next = c->next;
        if (are_applied) apply(f, c, false);
        free(c->bytes);
        free(c);
    }
    f->first = NULL;
    f->end = &f->first;
}

static void remember(file *f, off_t offset, const void *bytes, size_t size)
{
    if (!loses() || f->is_volatile) return;
    if (!f->image) {
        struct stat status;
        if (fstat(f->descriptor, &status) != 0) abort();
        f->image_size = (size_t)status.st_size;
        f->image = malloc(f->image_size + 1);
        if (pread(f->descriptor, f->image, f->image_size, 0) != status.st_size) abort();
    }
    change *c = calloc(1, sizeof *c);
    c->offset = offset;
    c->size = size;
    if (bytes) {
        c->bytes = malloc(size + 1);
        memcpy(c->bytes, bytes, size);
    }
    *f->end = c;
    f->end = &c->next;
}

/* Another file takes its place: this one may be mapped by threads that still run. */
static void lose_content(file *f)
{
    if (!f->image || !f->path) return;
    if (fault.mode == TORN) for (const change *c = f->first; c; c = c->next) apply(f, c, true);
    char *path = kept_path();
    int fd = real_open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0 || real_pwrite(fd, f->image, f->image_size, 0) != (ssize_t)f->image_size) abort();
    if (real_rename(path, f->path) != 0) abort();
    real_close(fd);
}

/* What is in directories ------------------------------------------------------------------ */

static void add_entry(kind kind, const char *path, const char *from, char *kept)
{
    if (!loses()) return;
    if (entry_count == sizeof entries / sizeof *entries) abort();
    entries[entry_count++] = (entry){ kind, strdup(path), from ? strdup(from) : NULL, kept };
}

static bool is_in(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/' && !strchr(path + length + 1, '/');
}

static void sync_directory(const char *directory)
{
    size_t kept = 0;
    for (size_t i = 0; i < entry_count; i++)
        if (!is_in(entries[i].path, directory)) entries[kept++] = entries[i];
    entry_count = kept;
}

static void lose_entries(void)
{
    size_t left = fault.mode == TORN ? next_random() % (entry_count + 1) : 0;
    while (entry_count > left) {
        entry e = entries[--entry_count];
        switch (e.kind) {
        case MADE: real_rename(e.path, kept_path()); break;
        case REMOVED:
            real_rename(e.kept, e.path);
            move_paths(e.kept, e.path);
            break;
        case RENAMED:
            real_rename(e.path, e.from);
            move_paths(e.path, e.from);
            if (!e.kept) break;
            real_rename(e.kept, e.path);
            move_paths(e.kept, e.path);
            break;
        }
    }
}

static void lose_power(void)
{
    for (file *f = files; f; f = f->next) lose_content(f);
    for (file *f = files; f; f = f->next) if (f->is_volatile && f->path) real_unlink(f->path);
    lose_entries();
}

/* What happens ------------------------------------------------------------------ */

typedef enum verdict { GOES_ON, FAILS, IS_CUT } verdict;
typedef enum call { WRITE, RESIZE, SYNC, MAKE, REMOVE, RENAME } call;

static void report(const char *name, const char *path)
{
    int fd = real_open(fault.report, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd < 0) return;
    dprintf(fd, "%s of %s\n", name, path);
    real_close(fd);
}

static void stop(void)
{
    if (loses()) lose_power();
    _exit(STOPPED);
}

/* Called for each call that counts, before it is done. Sets errno where it fails. */
static verdict judge(call call, const char *path, file *f)
{
    static const char *const names[] = { "write", "change of size", "sync", "making", "removal", "renaming" };
    long number = ++fault.calls;
    bool is_it = number == fault.at;
    bool needs_room = call == WRITE || call == RESIZE || call == MAKE;
    if (is_it || fault.at == 0) report(names[call], path);
    switch (fault.mode) {
    case ONCE:
        if (fault.more > 0 && number >= fault.at + fault.more) stop();
        /* fall through */
    case ON:
        errno = fault.error;
        return is_it || (fault.mode == ON && number > fault.at) ? FAILS : GOES_ON;
    case SHORT: return is_it && call == WRITE ? IS_CUT : GOES_ON;
    case FULL:
        errno = ENOSPC;
        if (!needs_room || number < fault.at) return GOES_ON;
        return is_it && call == WRITE ? IS_CUT : FAILS;
    case FORGET:
        if (number >= fault.at + fault.more) stop();
        if (!is_it || call != SYNC || !f) return GOES_ON;
        settle(f, false);
        errno = EIO;
        return FAILS;
    case STOP:
    case POWER:
    case TORN:
        if (is_it) stop();
        return GOES_ON;
    default: return GOES_ON;
    }
}

static file *known(int fd) { return fd >= 0 && fd < MOST_DESCRIPTORS ? open_files[fd] : NULL; }

static void note_open(int fd, const char *path, bool is_new)
{
    struct stat status;
    if (fd >= MOST_DESCRIPTORS || fstat(fd, &status) != 0) return;
    if (S_ISDIR(status.st_mode)) {
        free(open_directories[fd]);
        open_directories[fd] = strdup(path);
        return;
    }
    /* A new file may have the inode of one that is gone. */
    file *f = is_new ? NULL : files;
    while (f && (f->device != status.st_dev || f->inode != status.st_ino)) f = f->next;
    if (!f) {
        f = calloc(1, sizeof *f);
        *f = (file){ .next = files, .device = status.st_dev, .inode = status.st_ino, .descriptor = -1 };
        f->path = strdup(path);
        f->end = &f->first;
        size_t length = strlen(path);
        f->is_volatile = length >= 4 && strcmp(path + length - 4, "-shm") == 0;
        files = f;
    }
    /* It stays open: its inode is not given to another file, and no lock of SQLite is lost by closing it. */
    if (f->descriptor < 0 && loses()) f->descriptor = real_open(path, O_RDWR | O_CLOEXEC);
    open_files[fd] = f;
}

static int open_file(const char *path, int flags, mode_t mode)
{
    /* The directory itself is synced after a collection was made in it. */
    if (!is_ours(path) && strcmp(path, fault.below) != 0) return real_open(path, flags, mode);
    pthread_mutex_lock(&lock);
    bool makes = (flags & O_CREAT) && access(path, F_OK) != 0;
    int fd = -1;
    if (!makes || judge(MAKE, path, NULL) != FAILS) {
        fd = real_open(path, flags, mode);
        if (fd >= 0) note_open(fd, path, makes);
        if (fd >= 0 && makes) add_entry(MADE, path, NULL, NULL);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static ssize_t write_file(int fd, const void *bytes, size_t size, off_t offset, bool moves)
{
    file *f = known(fd);
    if (!f) return moves ? real_write(fd, bytes, size) : real_pwrite(fd, bytes, size, offset);
    pthread_mutex_lock(&lock);
    ssize_t result = -1;
    verdict verdict = judge(WRITE, f->path, f);
    if (verdict != FAILS) {
        if (verdict == IS_CUT && size > 1) size /= 2;
        remember(f, moves ? lseek(fd, 0, SEEK_CUR) : offset, bytes, size);
        result = moves ? real_write(fd, bytes, size) : real_pwrite(fd, bytes, size, offset);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int resize_file(int fd, off_t size)
{
    file *f = known(fd);
    if (!f) return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    int result = -1;
    if (judge(RESIZE, f->path, f) != FAILS) {
        remember(f, size, NULL, 0);
        result = real_ftruncate(fd, size);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int sync_file(int fd)
{
    char *directory = fd >= 0 && fd < MOST_DESCRIPTORS ? open_directories[fd] : NULL;
    file *f = known(fd);
    if (!f && !directory) return real_fsync(fd);
    pthread_mutex_lock(&lock);
    int result = judge(SYNC, f ? f->path : directory, f) == FAILS ? -1 : 0;
    if (result == 0 && f) settle(f, true);
    if (result == 0 && directory) sync_directory(directory);
    pthread_mutex_unlock(&lock);
    return result;
}

int open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
    va_end(list);
    return open_file(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
    va_end(list);
    return open_file(path, flags, mode);
}

int close(int fd)
{
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < MOST_DESCRIPTORS) {
        open_files[fd] = NULL;
        free(open_directories[fd]);
        open_directories[fd] = NULL;
    }
    int result = real_close(fd);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t write(int fd, const void *bytes, size_t size) { return write_file(fd, bytes, size, 0, true); }
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return write_file(fd, bytes, size, at, false); }
ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) { return write_file(fd, bytes, size, at, false); }
int ftruncate(int fd, off_t size) { return resize_file(fd, size); }
int ftruncate64(int fd, off_t size) { return resize_file(fd, size); }
int fsync(int fd) { return sync_file(fd); }
int fdatasync(int fd) { return sync_file(fd); }

/* Keeps what a path means, for the case that it comes back; NULL where there is nothing. */
static char *keep(const char *path)
{
    struct stat status;
    if (!loses() || stat(path, &status) != 0) return NULL;
    char *kept = kept_path();
    if (S_ISDIR(status.st_mode)) {
        if (real_mkdir(kept, 0777) != 0) abort(); /* only empty ones are removed or replaced */
    } else if (link(path, kept) != 0) {
        abort();
    }
    move_paths(path, kept);
    return kept;
}

int rename(const char *from, const char *to)
{
    if (!is_ours(from)) return real_rename(from, to);
    pthread_mutex_lock(&lock);
    int result = -1;
    if (judge(RENAME, to, NULL) != FAILS) {
        char *kept = keep(to);
        result = real_rename(from, to);
        if (result == 0) {
            move_paths(from, to);
            add_entry(RENAMED, to, from, kept);
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int remove_path(const char *path, int (*real_remove)(const char *))
{
    if (!is_ours(path)) return real_remove(path);
    pthread_mutex_lock(&lock);
    int result = -1;
    if (judge(REMOVE, path, NULL) != FAILS) {
        char *kept = keep(path);
        result = real_remove(path);
        if (result == 0) add_entry(REMOVED, path, NULL, kept);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path) { return remove_path(path, real_unlink); }
int rmdir(const char *path) { return remove_path(path, real_rmdir); }

int mkdir(const char *path, mode_t mode)
{
    if (!is_ours(path)) return real_mkdir(path, mode);
    pthread_mutex_lock(&lock);
    int result = judge(MAKE, path, NULL) == FAILS ? -1 : real_mkdir(path, mode);
    if (result == 0) add_entry(MADE, path, NULL, NULL);
    pthread_mutex_unlock(&lock);
    return result;
}
