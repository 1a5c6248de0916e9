// A disk that remembers everything: recorder MOUNT_POINT IMAGE LOG
//
// Shows the image as the file "disk" in MOUNT_POINT, for a loop device, and writes down what the file system above does to it. The log
// is a sequence of entries of 24 bytes: kind (1 write, 2 flush), bytes of data, offset, CLOCK_MONOTONIC in nanoseconds; behind each
// write its data. Ends when it is unmounted.
#define FUSE_USE_VERSION 35

#include <fcntl.h>
#include <fuse3/fuse.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace {

constexpr char disk_path[] = "/disk";
enum Kind : std::uint32_t { written = 1, flushed = 2 };

struct Entry {
    std::uint32_t kind, bytes;
    std::uint64_t offset, time;
};
static_assert(sizeof(Entry) == 24);

struct Recorder {
    int image = -1, log = -1;
};

Recorder& recorder() { return *static_cast<Recorder*>(fuse_get_context()->private_data); }

std::uint64_t now()
{
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

// One thread serves all requests, so that the log has one order.
int note(Kind kind, const char* data, std::size_t bytes, off_t offset)
{
    Entry entry{kind, static_cast<std::uint32_t>(bytes), static_cast<std::uint64_t>(offset), now()};
    iovec parts[] = {{&entry, sizeof entry}, {const_cast<char*>(data), bytes}};
    return ::writev(recorder().log, parts, bytes ? 2 : 1) == static_cast<ssize_t>(sizeof entry + bytes) ? 0 : -EIO;
}

void* start(fuse_conn_info*, fuse_config* config)
{
    config->kernel_cache = 0;
    return fuse_get_context()->private_data;
}

int get_attributes(const char* path, struct stat* status, fuse_file_info*)
{
    std::memset(status, 0, sizeof *status);
    if (std::strcmp(path, "/") == 0) {
        status->st_mode = S_IFDIR | 0700;
        status->st_nlink = 2;
        return 0;
    }
    if (std::strcmp(path, disk_path) != 0)
        return -ENOENT;
    if (::fstat(recorder().image, status) < 0)
        return -errno;
    status->st_mode = S_IFREG | 0600;
    return 0;
}

int open_disk(const char* path, fuse_file_info* file)
{
    if (std::strcmp(path, disk_path) != 0)
        return -ENOENT;
    file->direct_io = 1;  // the page cache must not swallow writes
    return 0;
}

int read_disk(const char*, char* data, std::size_t bytes, off_t offset, fuse_file_info*)
{
    auto got = ::pread(recorder().image, data, bytes, offset);
    return got < 0 ? -errno : static_cast<int>(got);
}

int write_disk(const char*, const char* data, std::size_t bytes, off_t offset, fuse_file_info*)
{
    if (int failed = note(written, data, bytes, offset))
        return failed;
    auto put = ::pwrite(recorder().image, data, bytes, offset);
    return put < 0 ? -errno : static_cast<int>(put);
}

int flush_disk(const char*, int, fuse_file_info*) { return note(flushed, nullptr, 0, 0); }

// Nothing may change the disk without being written down: the kernel writes zeros where it would discard.
int refuse(const char*, int, off_t, off_t, fuse_file_info*) { return -EOPNOTSUPP; }

}  // namespace

int main(int argc, char** argv)
{
    if (argc != 4)
        return 2;
    Recorder recorder;
    recorder.image = ::open(argv[2], O_RDWR | O_CLOEXEC);
    recorder.log = ::open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (recorder.image < 0 || recorder.log < 0)
        return 1;
    fuse_operations operations{};
    operations.init = start;
    operations.getattr = get_attributes;
    operations.open = open_disk;
    operations.read = read_disk;
    operations.write = write_disk;
    operations.fsync = flush_disk;
    operations.fallocate = refuse;
    char foreground[] = "-f", one_thread[] = "-s";
    char* arguments[] = {argv[0], foreground, one_thread, argv[1], nullptr};
    return fuse_main(4, arguments, &operations, &recorder);
}
