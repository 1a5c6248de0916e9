#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

// A message from standard input, made ready for pickup.
namespace mta::sendmail {

// Turns the input, in pieces of any size, into content: "." alone ends it if wanted, CRLF becomes LF, the "From " lines of mailbox
// files at the begin are dropped, and a last line without an end gets one.
class Filter {
public:
    Filter(bool dot_ends, bool fix_line_endings) : dot_ends_(dot_ends), fix_line_endings_(fix_line_endings) {}
    void add(std::string_view bytes, std::string& out);
    void finish(std::string& out);
    bool is_finished() const { return finished_; }

private:
    static constexpr std::size_t max_kept_bytes = 8192;
    void end_line(std::string& out);
    void release(std::string& out);

    bool dot_ends_, fix_line_endings_;
    bool finished_ = false, at_start_ = true, line_began_ = false, skipping_ = false;
    std::string line_;  // the current line, as far as it is kept back
};

// The message in a temporary file without a name, so that it can be sent again after a restart of the mail system, and
// nobody waits for its slow writer.
class Spool {
public:
    Spool();  // throws std::system_error
    Result<void> write(std::string_view bytes);
    // From the begin, in pieces.
    Result<void> read(const std::function<void(std::string_view)>& each);
    long size() const { return size_; }

private:
    std::unique_ptr<std::FILE, Release<std::fclose>> file_;
    long size_ = 0;
};

// All of the descriptor; at most max_bytes (0: no limit).
Result<void> read_message(int fd, Filter& filter, Spool& spool, long max_bytes);

}  // namespace mta::sendmail
