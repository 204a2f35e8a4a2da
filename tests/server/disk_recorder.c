/* Preloaded into a process, this writes down in which order it changes files of a database, syncs them, and prints.
 *
 * Each record in the file $DISK_RECORD: an operation (w: write, t: truncate, s: sync, u: unlink, p: print), the length of the path,
 * the offset or the new length, the length of the data, the path, the data. Only paths with $DISK_FOLDER are recorded.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;

struct head { char operation; uint8_t unused[3]; uint32_t path; uint64_t offset; uint64_t data; };

static int is_in_folder(const char *path) {
    const char *folder = getenv("DISK_FOLDER");
    return folder && !strncmp(path, folder, strlen(folder)) && !strstr(path, "-shm");
}

static int is_recorded(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_in_folder(path);
}

static void note(char operation, const char *path, uint64_t offset, const void *data, uint64_t length) {
    if (record < 0) record = open(getenv("DISK_RECORD"), O_CREAT | O_APPEND | O_WRONLY, 0600);
    struct head head = { operation, {0}, (uint32_t) strlen(path), offset, length };
    struct iovec parts[3] = {
        { &head, sizeof head }, { (void *) path, head.path }, { (void *) data, length },
    };
    if (writev(record, parts, 3) < 0) abort();
}

#define REAL(name, type) \
    static __typeof__(type) real; \
    if (!real) real = (__typeof__(type)) dlsym(RTLD_NEXT, name)

typedef ssize_t (*pwrite_type)(int, const void *, size_t, off64_t);
typedef int (*truncate_type)(int, off64_t);
typedef int (*sync_type)(int);
typedef ssize_t (*write_type)(int, const void *, size_t);

static ssize_t recorded_pwrite(pwrite_type real, int fd, const void *data, size_t length, off64_t offset) {
    char path[4096];
    if (!is_recorded(fd, path, sizeof path)) return real(fd, data, length, offset);
    pthread_mutex_lock(&turn);
    ssize_t written = real(fd, data, length, offset);
    if (written > 0) note('w', path, offset, data, written);
    pthread_mutex_unlock(&turn);
    return written;
}

static int recorded_sync(sync_type real, int fd) {
    char path[4096];
    if (!is_recorded(fd, path, sizeof path)) return real(fd);
    pthread_mutex_lock(&turn);
    note('s', path, 0, "", 0);
    pthread_mutex_unlock(&turn);
    return 0; /* the disk is simulated, so nobody has to wait for the real one */
}

static int recorded_truncate(truncate_type real, int fd, off64_t length) {
    char path[4096];
    if (!is_recorded(fd, path, sizeof path)) return real(fd, length);
    pthread_mutex_lock(&turn);
    int result = real(fd, length);
    if (!result) note('t', path, length, "", 0);
    pthread_mutex_unlock(&turn);
    return result;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    REAL("pwrite", pwrite_type);
    return recorded_pwrite(real, fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    REAL("pwrite64", pwrite_type);
    return recorded_pwrite(real, fd, data, length, offset);
}

int fsync(int fd) {
    REAL("fsync", sync_type);
    return recorded_sync(real, fd);
}

int fdatasync(int fd) {
    REAL("fdatasync", sync_type);
    return recorded_sync(real, fd);
}

int ftruncate(int fd, off_t length) {
    REAL("ftruncate", truncate_type);
    return recorded_truncate(real, fd, length);
}

int ftruncate64(int fd, off64_t length) {
    REAL("ftruncate64", truncate_type);
    return recorded_truncate(real, fd, length);
}

int unlink(const char *path) {
    REAL("unlink", int (*)(const char *));
    if (is_in_folder(path)) {
        pthread_mutex_lock(&turn);
        note('u', path, 0, "", 0);
        pthread_mutex_unlock(&turn);
    }
    return real(path);
}

ssize_t write(int fd, const void *data, size_t length) {
    REAL("write", write_type);
    if (fd == 1) { /* noted before it is printed: whoever reads it may rely on what was synced before */
        pthread_mutex_lock(&turn);
        note('p', "", 0, data, length);
        pthread_mutex_unlock(&turn);
    }
    return real(fd, data, length);
}
