#include "table/source.h"

#include <fcntl.h>
#include <unicase.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "log/log.h"

namespace mta::table {

namespace {

constexpr std::size_t max_source_bytes = 512u << 20;
constexpr std::size_t quoted_start = 30;  // how much of a bad line a warning shows

bool is_blank_or_comment(std::string_view line)
{
    auto text = trim(line);
    return text.empty() || text.front() == '#';
}

}  // namespace

void log_warning(const std::string& text) { log::warning(text); }

std::vector<Line> logical_lines(std::string_view content, std::string_view file, const Warn& warn)
{
    std::vector<Line> lines;
    bool inside = false;  // a logical line is open: what begins with white space continues it
    for (int number = 1; !content.empty(); ++number) {
        auto end = std::min(content.find('\n'), content.size());
        auto line = content.substr(0, end);
        content.remove_prefix(std::min(end + 1, content.size()));
        if (is_blank_or_comment(line))
            continue;
        if (inside && is_space(line.front())) {
            lines.back().text += line;
            continue;
        }
        lines.push_back({number, std::string(line)});
        inside = true;
    }
    std::erase_if(lines, [&](const Line& line) {
        bool is_bad = is_space(line.text.front());
        if (is_bad)
            warn(cat(file, ": logical line must not start with whitespace: \"", line.text.substr(0, quoted_start),
                     line.text.size() > quoted_start ? "..." : "", "\""));
        return is_bad;
    });
    return lines;
}

namespace {

// Where the key ends: at white space outside of quotes; nothing if a quote is open at the end.
std::optional<std::size_t> end_of_key(std::string_view text)
{
    bool is_quoted = false;
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        if (text[at] == '\\') {
            if (++at == text.size())
                break;
        } else if (text[at] == '"') {
            is_quoted = !is_quoted;
        } else if (is_space(text[at]) && !is_quoted) {
            break;
        }
    }
    if (is_quoted)
        return std::nullopt;
    return std::min(at, text.size());
}

}  // namespace

std::optional<Entry> parse_entry(const Line& line, std::string_view file, const Warn& warn, std::string_view suffix,
                                 bool check_utf8)
{
    auto place = cat(file, ", line ", line.number, ": ");
    if (check_utf8 && !is_utf8(line.text)) {
        warn(cat(place, "non-UTF-8 input \"", line.text, "\" -- ignoring this line"));
        return std::nullopt;
    }
    auto end = end_of_key(line.text);
    if (!end) {
        warn(cat(place, "unbalanced '\"' in '", line.text, "' -- ignoring this line"));
        return std::nullopt;
    }
    auto key = std::string_view(line.text).substr(0, *end);
    auto value = trim(std::string_view(line.text).substr(*end));
    if (key.empty() || value.empty()) {
        warn(cat(place, "expected format: key whitespace value", suffix));
        return std::nullopt;
    }
    if (key.back() == ':')
        warn(cat(place, "record is in \"key: value\" format; is this an alias file?"));
    return Entry{std::string(key), std::string(value), line.number};
}

std::string fold(std::string_view key)
{
    if (is_ascii(key) || !is_utf8(key))
        return lower(key);
    std::size_t size = 0;
    std::unique_ptr<std::uint8_t, Release<std::free>> folded(
        ::u8_casefold(reinterpret_cast<const std::uint8_t*>(key.data()), key.size(), nullptr, nullptr, nullptr, &size));
    if (!folded)
        return lower(key);
    return {reinterpret_cast<const char*>(folded.get()), size};
}

std::vector<std::string> split_braced(std::string_view text)
{
    constexpr std::string_view separators = ", \t\r\n";
    std::vector<std::string> elements;
    std::string element;
    int depth = 0;
    for (char c : text) {
        if (depth == 0 && separators.find(c) != std::string_view::npos) {
            if (!element.empty())
                elements.push_back(std::move(element));
            element.clear();
            continue;
        }
        if (c == '{')
            ++depth;
        if (c == '}' && depth > 0)
            --depth;
        element += c;
    }
    if (!element.empty())
        elements.push_back(std::move(element));
    return elements;
}

Result<std::string> inside_braces(std::string_view text)
{
    if (text.empty() || text.front() != '{')
        return failure(cat("no '{' at start of text in \"", text, "\""));
    int depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '{')
            ++depth;
        if (text[at] == '}' && --depth == 0) {
            if (!trim(text.substr(at + 1)).empty())
                return failure(cat("syntax error after '}' in \"", text, "\""));
            return std::string(trim(text.substr(1, at - 1)));
        }
    }
    return failure(cat("missing '}' in \"", text, "\""));
}

FileMark::FileMark(std::string path, const struct stat& status)
    : path_(std::move(path)), device_(status.st_dev), inode_(status.st_ino), modified_(status.st_mtim),
      size_(status.st_size), owner_(status.st_uid)
{
}

bool FileMark::has_changed() const
{
    struct stat now {};
    if (::stat(path_.c_str(), &now) != 0)
        return false;  // in a sandbox, or between two steps of somebody who replaces it
    return now.st_dev != device_ || now.st_ino != inode_ || now.st_size != size_ ||
           now.st_mtim.tv_sec != modified_.tv_sec || now.st_mtim.tv_nsec != modified_.tv_nsec;
}

Result<Source> read_source(const std::string& path, std::string_view what)
{
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        return errno_error(cat(what, path));
    if (S_ISDIR(status.st_mode))
        return failure(cat("read ", path, ": ", std::strerror(EISDIR)));
    Source source;
    source.mark = FileMark(path, status);
    source.status = status;
    char chunk[65536];
    while (true) {
        auto count = ::read(fd.get(), chunk, sizeof chunk);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno_error(cat("read ", path));
        if (count == 0)
            return source;
        source.content.append(chunk, static_cast<std::size_t>(count));
        if (source.content.size() > max_source_bytes)
            return failure(cat("read ", path, ": larger than ", max_source_bytes, " bytes"));
    }
}

Result<Source> read_rules(std::string_view name, std::string_view map_type)
{
    if (name.empty() || name.front() != '{')
        return read_source(std::string(name));
    auto wrapped = [&](const Error& error) { return failure(cat(map_type, " map: ", error.text)); };
    auto rules = inside_braces(name);
    if (!rules)
        return wrapped(rules.error());
    Source source;
    for (const auto& braced : split_braced(*rules)) {
        auto rule = inside_braces(braced);
        if (!rule)
            return wrapped(rule.error());
        source.content += cat(*rule, "\n");
    }
    return source;
}

}  // namespace mta::table
