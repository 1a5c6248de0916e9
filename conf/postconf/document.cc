#include "conf/postconf/document.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"

namespace mta::postconf {

Document::Document(std::string_view text)
{
    int number = 0;
    while (!text.empty()) {
        auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++number;
        auto entry = no_entry;
        auto content = trim(line);
        if (!content.empty() && content.front() != '#') {
            if (!is_space(line.front()))
                entries_.push_back({std::string(line), number});
            else if (!entries_.empty())
                entries_.back().text += line;
            entry = entries_.empty() ? no_entry : entries_.size() - 1;
        }
        lines_.push_back({cat(line, "\n"), entry});
    }
}

void Document::replace(std::size_t entry, std::string_view text, bool at_end)
{
    std::size_t place = lines_.size();
    for (std::size_t i = 0; i < lines_.size(); ++i)
        if (lines_[i].entry == entry && (at_end || place == lines_.size()))
            place = i;
    for (std::size_t i = 0; i < lines_.size(); ++i)
        if (lines_[i].entry == entry)
            lines_[i].text = i == place ? cat(text, "\n") : "";
    entries_[entry].text = text;
}

void Document::remove(std::size_t entry)
{
    for (auto& line : lines_)
        if (line.entry == entry)
            line.text.clear();
}

void Document::comment_out(std::size_t entry)
{
    for (auto& line : lines_)
        if (line.entry == entry)
            line.text.insert(0, "#");
}

void Document::append(std::string_view text)
{
    lines_.push_back({cat(text, "\n"), entries_.size()});
    entries_.push_back({std::string(text), 0});
}

std::string Document::text() const
{
    std::string out;
    for (const auto& line : lines_)
        out += line.text;
    return out;
}

Result<void> edit_file(const std::string& path, const std::function<Result<void>(Document&)>& change)
{
    std::unique_ptr<char, Release<std::free>> real(::realpath(path.c_str(), nullptr));
    if (!real)
        return errno_error(cat("open ", path));
    std::string file = real.get();
    auto directory = file.substr(0, std::max<std::size_t>(file.rfind('/'), 1));
    Fd lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock || ::flock(lock.get(), LOCK_EX) != 0)
        return errno_error(cat("lock ", directory));
    struct stat before {};
    if (::stat(file.c_str(), &before) != 0)
        return errno_error(cat("open ", path));
    auto content = read_file(file);
    if (!content)
        return content.error();
    Document document(*content);
    if (auto done = change(document); !done)
        return done;
    auto text = document.text();
    if (text == *content)
        return {};
    if (auto done = replace_file(file, text, before.st_mode & 07777); !done)
        return done;
    if (::chmod(file.c_str(), before.st_mode & 07777) != 0 || (::geteuid() == 0 && ::chown(file.c_str(), before.st_uid, before.st_gid) != 0))
        return errno_error(cat("set owner and mode of ", path));
    return {};
}

}  // namespace mta::postconf
