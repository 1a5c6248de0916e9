#include "mime/structure.h"

#include <algorithm>

#include "base/text.h"
#include "mime/header.h"

namespace mta::mime {

namespace {

constexpr std::size_t max_boundary_bytes = 200;  // RFC 2046 allows 70

// A part whose end has not come yet. Its children hang below it when they are complete.
struct Open {
    Part part;
    std::string boundary;  // of a multipart, until its closing delimiter
    std::size_t lines_before_body = 0;
    bool is_digest = false;
};

// A place in the message and the number of line ends before it.
struct Place {
    std::size_t offset = 0, lines = 0;
};

std::string_view without_trailing_space(std::string_view line)
{
    while (!line.empty() && is_space(line.back()))
        line.remove_suffix(1);
    return line;
}

class StructureReader {
public:
    StructureReader(std::string_view message, const Limits& limits) : message_(message), depth_(std::min(limits.depth, Limits::deepest)), parts_(limits.parts) {}

    Part read()
    {
        open_part(0);
        while (here_.offset < message_.size()) {
            auto end = message_.find('\n', here_.offset);
            if (end == std::string_view::npos)
                next_ = {message_.size(), here_.lines};
            else
                next_ = {end + 1, here_.lines + 1};
            take_line(message_.substr(here_.offset, next_.offset - here_.offset));
            here_ = next_;
        }
        while (stack_.size() > 1 || is_in_header_)
            close_innermost(here_);
        return finish(std::move(stack_.back()), here_);
    }

private:
    void take_line(std::string_view line)
    {
        if (line.starts_with("--") && take_delimiter(without_trailing_space(line.substr(2))))
            return;
        if (is_in_header_ && (line == "\n" || line == "\r\n"))
            end_header(next_);
    }

    // True if the line is a delimiter of one of the open multiparts; the innermost comes first.
    bool take_delimiter(std::string_view text)
    {
        for (auto level = stack_.size(); level-- > 0;) {
            const auto& boundary = stack_[level].boundary;
            if (boundary.empty() || !text.starts_with(boundary))
                continue;
            auto rest = text.substr(boundary.size());
            if (rest.empty())
                return next_part(level);
            if (rest == "--")
                return last_part(level);
        }
        return false;
    }

    bool next_part(std::size_t level)
    {
        if (count_ >= parts_)  // the rest stays in the part that is open
            return false;
        close_inside(level);
        open_part(next_.offset);
        return true;
    }

    bool last_part(std::size_t level)
    {
        close_inside(level);
        stack_[level].boundary.clear();
        return true;
    }

    void close_inside(std::size_t level)
    {
        auto end = end_before_delimiter();
        while (stack_.size() > level + 1)
            close_innermost(end);
    }

    // Where the innermost part ends when this line is a delimiter. A header keeps its line end.
    Place end_before_delimiter() const
    {
        auto place = here_;
        auto body = stack_.back().part.body;
        if (is_in_header_ || place.offset <= body)
            return place;
        --place.offset;  // the LF
        --place.lines;
        if (place.offset > body && message_[place.offset - 1] == '\r')
            --place.offset;
        return place;
    }

    void open_part(std::size_t begin)
    {
        Open next;
        next.part.begin = next.part.body = begin;
        stack_.push_back(std::move(next));
        is_in_header_ = true;
        ++count_;
    }

    void close_innermost(Place end)
    {
        if (is_in_header_)
            return end_header(end);  // which may open the message inside
        auto done = finish(std::move(stack_.back()), end);
        stack_.pop_back();
        stack_.back().part.parts.push_back(std::move(done));
    }

    static Part finish(Open open, Place end)
    {
        Part part = std::move(open.part);
        part.end = end.offset;
        part.body_lines = end.lines - open.lines_before_body;
        if (part.kind == Part::Kind::multipart && part.parts.empty()) {
            Part& empty = part.parts.emplace_back();
            empty.begin = empty.body = empty.end = end.offset;
        }
        return part;
    }

    void end_header(Place body)
    {
        is_in_header_ = false;
        stack_.back().part.body = body.offset;
        stack_.back().lines_before_body = body.lines;
        set_kind(stack_.back());
        if (stack_.back().part.kind == Part::Kind::message)
            open_part(body.offset);
    }

    void set_kind(Open& open)
    {
        Part& part = open.part;
        auto field = Header(part.header_of(message_)).find("Content-Type");
        // RFC 2046 section 5.1.5: messages are what a digest is made of.
        if (!field && stack_.size() > 1 && stack_[stack_.size() - 2].is_digest)
            part.type = {"message", "rfc822", {}};
        else if (field)
            part.type = parse_content_type(field->value).value_or(ContentType{});
        if (part.type.is("message", "rfc822"))
            part.kind = Part::Kind::message;
        else if (part.type.type == "multipart")
            set_multipart(open);
        if (part.kind != Part::Kind::leaf && (stack_.size() >= depth_ || count_ >= parts_)) {
            part.kind = Part::Kind::leaf;
            part.type = {"application", "octet-stream", {}};
            open.boundary.clear();
        }
    }

    static void set_multipart(Open& open)
    {
        auto boundary = raw_parameter(open.part.type.parameters, "boundary").value_or("");
        boundary = without_trailing_space(boundary);
        if (boundary.empty() || boundary.size() > max_boundary_bytes) {
            open.part.type = {};
            return;
        }
        open.part.kind = Part::Kind::multipart;
        open.boundary = boundary;
        open.is_digest = open.part.type.subtype == "digest";
    }

    std::string_view message_;
    std::size_t depth_, parts_;  // the limits
    Place here_, next_;  // the begin of this line and of the next
    std::size_t count_ = 0;
    bool is_in_header_ = false;  // of the innermost part
    std::vector<Open> stack_;
};

}  // namespace

Part parse_structure(std::string_view message, const Limits& limits) { return StructureReader(message, limits).read(); }

}  // namespace mta::mime
