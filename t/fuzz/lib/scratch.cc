#include "t/fuzz/lib/scratch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "t/fuzz/lib/target.h"

namespace mta::fuzz {

namespace {

constexpr std::string_view simple = "From: Anna <anna@example.com>\nTo: otto@example.net\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n"
                                    "Date: Tue, 1 Jul 2003 10:52:37 +0200\nMessage-ID: <1@example.com>\n\nHello.\n.dot\n\nBye.\n";
constexpr std::string_view multipart = "From: a@example.com\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n"
                                       "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nCaf=E9\n"
                                       "--b\nContent-Type: message/rfc822\n\nSubject: inner\n\ninner text\n--b\n"
                                       "Content-Type: application/pdf; name*=utf-8''%e2%82%ac.pdf\nContent-Transfer-Encoding: base64\n"
                                       "Content-Disposition: attachment\n\nSGFsbG8=\n--b--\n";

class Scratch {
public:
    Scratch()
    {
        const char* wanted = std::getenv("TMPDIR");
        for (std::string place : {wanted ? wanted : "", "/dev/shm", "/tmp"}) {
            auto name = place + "/buuta-fuzz.XXXXXX";
            if (!place.empty() && ::mkdtemp(name.data())) {
                path = name;
                return;
            }
        }
        HOLDS(!"a place for temporary files");
    }
    Scratch(const Scratch&) = delete;
    ~Scratch()
    {
        std::error_code ignored;
        if (owner == ::getpid())
            std::filesystem::remove_all(path, ignored);
    }
    std::string path;

private:
    pid_t owner = ::getpid();
};

}  // namespace

const std::string& scratch_directory()
{
    static const Scratch scratch;
    return scratch.path;
}

std::string fresh_directory(const std::string& name)
{
    auto path = scratch_directory() + "/" + name;
    std::filesystem::remove_all(path);
    return path;
}

void write_file(const std::string& path, std::string_view content)
{
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    HOLDS(fd && write_all(fd.get(), content));
}

std::string fresh_maildir()
{
    auto root = fresh_directory("maildir");
    for (std::string folder : {"", "/.Sent"}) {
        ::mkdir((root + folder).c_str(), 0700);
        for (std::string sub : {"/tmp", "/new", "/cur"})
            ::mkdir((root + folder + sub).c_str(), 0700);
    }
    write_file(root + "/new/1057049557.M1H0000000000000001.host,S=150", simple);
    write_file(root + "/cur/1057049558.M2H0000000000000002.host:2,S", multipart);
    write_file(root + "/cur/1057049559.M3H0000000000000003.host:2,FR", "no header\n");
    write_file(root + "/.Sent/cur/1057049560.M4H0000000000000004.host:2,", simple);
    return root;
}

queue::Directory& queue_directory()
{
    static const auto root = fresh_directory("queue");
    static const bool created = queue::Directory::create(root).operator bool();
    HOLDS(created);
    static queue::Directory directory(root);
    return directory;
}

int memory_file(std::string_view content)
{
    static const int file = ::memfd_create("fuzz", MFD_CLOEXEC);
    HOLDS(::ftruncate(file, 0) == 0 && ::pwrite(file, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
    HOLDS(::lseek(file, 0, SEEK_SET) == 0);
    return file;
}

}  // namespace mta::fuzz
