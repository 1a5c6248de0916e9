"""Writers that say ACK after they have stored a file, most of them too early: what t/durable/run must be able to tell."""

import os
import sys


def write(path, data=b"content\n"):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(fd, data)
    return fd


def sync_directory(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd)
    os.close(fd)


def good_all_synced(base):
    fd = write(base + "/tmp/f")
    os.fsync(fd)
    os.rename(base + "/tmp/f", base + "/new/f")
    sync_directory(base + "/new")


def good_name_prepared(base):
    fd = write(base + "/new/f", b"")
    sync_directory(base + "/new")
    os.write(fd, b"content\n")
    os.fsync(fd)


def good_linked(base):
    fd = write(base + "/tmp/f")
    os.fsync(fd)
    os.link(base + "/tmp/f", base + "/new/f")
    os.unlink(base + "/tmp/f")
    sync_directory(base + "/new")
    sync_directory(base + "/tmp")


def bad_no_sync(base):
    write(base + "/new/f")


def bad_directory_not_synced(base):
    fd = write(base + "/tmp/f")
    os.fsync(fd)
    os.rename(base + "/tmp/f", base + "/new/f")


def bad_link_not_synced(base):
    fd = write(base + "/tmp/f")
    os.fsync(fd)
    os.link(base + "/tmp/f", base + "/new/f")
    os.unlink(base + "/tmp/f")


def bad_file_not_synced(base):
    write(base + "/tmp/f")
    os.rename(base + "/tmp/f", base + "/new/f")
    sync_directory(base + "/new")


def bad_written_after_sync(base):
    fd = write(base + "/tmp/f")
    os.fsync(fd)
    os.write(fd, b"more\n")
    os.rename(base + "/tmp/f", base + "/new/f")
    sync_directory(base + "/new")


def bad_wrong_directory_synced(base):
    fd = write(base + "/new/f")
    os.fsync(fd)
    sync_directory(base + "/tmp")


def bad_renamed_after_sync(base):
    fd = write(base + "/tmp/f")
    os.fsync(fd)
    sync_directory(base + "/new")
    os.rename(base + "/tmp/f", base + "/new/f")


def bad_new_directory_not_synced(base):
    os.mkdir(base + "/new/folder")
    fd = write(base + "/new/folder/f")
    os.fsync(fd)
    sync_directory(base + "/new/folder")


def main():
    for name, writer in sorted((n, f) for n, f in globals().items() if n.startswith(("good_", "bad_"))):
        base = os.path.join(sys.argv[1], name)
        for part in ("", "/tmp", "/new"):
            os.mkdir(base + part)
        for path in (base, sys.argv[1], base):
            sync_directory(path)
        writer(base)
        os.write(1, f"ACK {name}\n".encode())


main()
