// Covers: lib/mime/structure.cc
#include "mime/structure.h"

#include <optional>
#include <vector>

#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "mime/header.h"

// The structure of a message, which the suite reads in one pass with a stack of its own, against a reader that calls itself for
// each part and looks at one line after the other.
namespace {

using namespace mta;
using mime::Part;

std::string_view trimmed_end(std::string_view line)
{
    while (!line.empty() && is_space(line.back()))
        line.remove_suffix(1);
    return line;
}

class SlowReader {
public:
    explicit SlowReader(std::string_view text) : text_(text) {}

    Part read() { return read_part(0, false, 1).part; }
    std::size_t count() const { return count_; }

private:
    // What ended a part: a delimiter of a multipart around it, or the end of the text.
    struct Stop {
        std::size_t end = 0;    // of the part
        std::size_t next = 0;   // behind the delimiter
        std::size_t level = 0;  // of the multipart, from 1; 0 is the end of the text
        bool is_last = false;
    };
    struct Read {
        Part part;
        Stop stop;
    };

    std::size_t line_end(std::size_t begin) const
    {
        auto lf = text_.find('\n', begin);
        return lf == std::string_view::npos ? text_.size() : lf + 1;
    }

    // The delimiter that the line is, of the innermost multipart that has such a one.
    std::optional<Stop> delimiter(std::size_t begin) const
    {
        auto line = trimmed_end(text_.substr(begin, line_end(begin) - begin));
        for (auto level = boundaries_.size(); level > 0; --level) {
            const auto& boundary = boundaries_[level - 1];
            if (!boundary.empty() && (line == "--" + boundary || line == "--" + boundary + "--"))
                return Stop{begin, line_end(begin), level, line.size() > boundary.size() + 2};
        }
        return std::nullopt;
    }

    // From there to the next delimiter, whose line end in front of it is no part of the text if that begins before it.
    Stop skip_text(std::size_t at, std::size_t body) const
    {
        for (; at < text_.size(); at = line_end(at)) {
            auto stop = delimiter(at);
            if (!stop)
                continue;
            if (stop->end > body)
                --stop->end;
            if (stop->end > body && stop->end < at && text_[stop->end - 1] == '\r')
                --stop->end;
            return *stop;
        }
        return {text_.size(), text_.size(), 0, false};
    }

    Read read_part(std::size_t begin, bool in_digest, std::size_t depth)
    {
        ++count_;
        Part part;
        part.begin = begin;
        part.body = text_.size();
        std::optional<Stop> stop;
        for (auto at = begin; at < text_.size(); at = line_end(at)) {
            auto line = text_.substr(at, line_end(at) - at);
            stop = delimiter(at);
            bool is_empty = line == "\n" || line == "\r\n";
            part.body = stop ? at : line_end(at);
            if (stop || is_empty)
                break;
        }
        if (!stop && part.body == text_.size())
            stop = Stop{text_.size(), text_.size(), 0, false};
        set_kind(part, in_digest, depth);
        return read_body(std::move(part), stop, depth);
    }

    // The stop is known already if the header had no end.
    Read read_body(Part part, std::optional<Stop> stop, std::size_t depth)
    {
        if (part.kind == Part::Kind::message) {
            auto inside = read_part(part.body, false, depth + 1);
            part.parts.push_back(std::move(inside.part));
            stop = inside.stop;
        } else if (part.kind == Part::Kind::multipart) {
            stop = read_parts(part, stop, depth);
        } else if (!stop) {
            stop = skip_text(part.body, part.body);
        }
        part.end = stop->end;
        part.body_lines = static_cast<std::size_t>(std::count(text_.begin() + static_cast<long>(part.body), text_.begin() + static_cast<long>(part.end), '\n'));
        if (part.kind == Part::Kind::multipart && part.parts.empty()) {
            auto& empty = part.parts.emplace_back();
            empty.begin = empty.body = empty.end = part.end;
        }
        return {std::move(part), *stop};
    }

    Stop read_parts(Part& part, std::optional<Stop> stop, std::size_t depth)
    {
        if (stop)
            return *stop;
        bool is_digest = part.type.subtype == "digest";
        boundaries_.push_back(boundary_of(part));
        auto level = boundaries_.size();
        stop = skip_text(part.body, part.body);
        while (stop->level == level && !stop->is_last) {
            auto child = read_part(stop->next, is_digest, depth + 1);
            part.parts.push_back(std::move(child.part));
            stop = child.stop;
        }
        boundaries_.pop_back();
        return stop->level == level ? skip_text(stop->next, part.body) : *stop;
    }

    static std::string boundary_of(const Part& part)
    {
        return std::string(trimmed_end(mime::raw_parameter(part.type.parameters, "boundary").value_or("")));
    }

    void set_kind(Part& part, bool in_digest, std::size_t depth)
    {
        auto field = mime::Header(part.header_of(text_)).find("Content-Type");
        if (field)
            part.type = mime::parse_content_type(field->value).value_or(mime::ContentType{});
        else if (in_digest)
            part.type = {"message", "rfc822", {}};
        if (part.type.type == "multipart" && (boundary_of(part).empty() || boundary_of(part).size() > 200))
            part.type = {};
        bool is_message = part.type.is("message", "rfc822"), is_multipart = part.type.type == "multipart";
        if ((is_message || is_multipart) && depth >= mime::Limits().depth)
            part.type = {"application", "octet-stream", {}};
        else if (is_message || is_multipart)
            part.kind = is_message ? Part::Kind::message : Part::Kind::multipart;
    }

    std::string_view text_;
    std::vector<std::string> boundaries_;
    std::size_t count_ = 0;
};

bool same(const Part& a, const Part& b)
{
    return a.kind == b.kind && a.type.type == b.type.type && a.type.subtype == b.type.subtype && a.begin == b.begin && a.body == b.body && a.end == b.end &&
           a.body_lines == b.body_lines && std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(), same);
}

// The number of parts, after a look at what must be so in any case.
std::size_t check(const Part& part, std::string_view text, std::size_t depth)
{
    HOLDS(part.begin <= part.body && part.body <= part.end && part.end <= text.size());
    HOLDS(depth <= mime::Limits().depth);
    HOLDS((part.kind == Part::Kind::leaf) == part.parts.empty());
    HOLDS(part.kind != Part::Kind::message || part.parts.size() == 1);
    std::size_t count = 1, at = part.body;
    for (const auto& child : part.parts) {
        HOLDS(child.begin >= at && child.end <= part.end);
        at = child.end;
        count += check(child, text, depth + 1);
    }
    return count;
}

}  // namespace

FUZZ(input)
{
    auto root = mime::parse_structure(input);
    auto count = check(root, input, 1);
    HOLDS(count <= 2 * mime::Limits().parts && root.begin == 0 && root.end == input.size());
    SlowReader slow(input);
    auto reference = slow.read();
    HOLDS(slow.count() >= mime::Limits().parts || same(root, reference));
}
