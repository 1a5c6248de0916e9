#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "maildir/mailbox.h"
#include "maildir/store.h"

namespace mta::maildir {

// Files in tmp/ of a folder that are removed again unless install() takes them over.
class Arrivals {
public:
    explicit Arrivals(std::string directory) : directory_(std::move(directory)) {}
    Arrivals(const Arrivals&) = delete;
    ~Arrivals();
    Incoming& add(std::string temporary);
    std::vector<Incoming>& messages() { return messages_; }
    std::string path_of(const Incoming& message) const { return directory_ + "/tmp/" + message.temporary; }
    // Into the folder, all or none.
    Result<Copied> install(UidList::NewUidValidity new_uid_validity);

private:
    std::string directory_;
    std::vector<Incoming> messages_;
};

// Stores CRLF line ends as LF, as programs on Unix expect them in a maildir.
class FileUpload : public Upload {
public:
    FileUpload(std::string directory, UidList::NewUidValidity new_uid_validity);
    Result<void> add(std::uint8_t flags, std::vector<std::string> keywords, std::optional<std::time_t> date) override;
    Result<void> write(std::string_view bytes) override;
    Result<Copied> commit() override;

private:
    Result<void> finish_message();
    void convert(std::string_view bytes);
    Result<void> flush();

    std::string directory_;
    UidList::NewUidValidity new_uid_validity_;
    Arrivals arrivals_;
    Fd fd_;  // of the message that is being written
    std::uint8_t flags_ = 0;
    std::optional<std::time_t> date_;
    std::string out_;  // converted
    char before_cr_ = 0, last_ = 0;  // of the bytes that came: a CR at the end is not yet in out_
    bool after_cr_ = false;
    std::uint64_t size_ = 0, crlf_size_ = 0;
};

}  // namespace mta::maildir
