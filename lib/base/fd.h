#pragma once

#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace mta {

// Owns a descriptor and closes it.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept
    {
        if (this != &other)
            reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~Fd() { reset(); }

    explicit operator bool() const { return fd_ >= 0; }
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1)
    {
        if (fd_ >= 0)
            ::close(fd_);
        fd_ = fd;
    }

private:
    int fd_ = -1;
};

// Releases what a C library made: std::unique_ptr<SSL, Release<SSL_free>>.
template <auto function>
struct Release {
    template <class T>
    void operator()(T* object) const
    {
        (void)function(object);
    }
};

// "what: strerror(errno)" as a temporary Error; call it before anything can change errno.
Error errno_error(std::string_view what);
// The same as an exception of type std::system_error.
[[noreturn]] void throw_errno(std::string_view what);

}  // namespace mta
