#include "mime/crlf.h"

namespace mta::mime {

namespace {

constexpr char shown_nul = '\x80';

std::uint64_t bare_line_feeds(std::string_view raw)
{
    std::uint64_t count = 0;
    for (auto at = raw.find('\n'); at != std::string_view::npos; at = raw.find('\n', at + 1))
        count += at == 0 || raw[at - 1] != '\r';
    return count;
}

}  // namespace

std::uint64_t crlf_size(std::string_view raw) { return raw.size() + bare_line_feeds(raw); }

void CrlfWriter::add(std::string_view piece, std::string& out)
{
    if (piece.empty())
        return;
    auto begin = out.size();
    bool ends_with_cr = piece.back() == '\r';
    while (!piece.empty()) {
        auto end = piece.find('\n');
        out.append(piece.substr(0, end));
        if (end != 0)
            after_cr_ = piece[(end == std::string_view::npos ? piece.size() : end) - 1] == '\r';
        if (end == std::string_view::npos)
            break;
        out.append(after_cr_ ? "\n" : "\r\n");
        after_cr_ = false;
        piece.remove_prefix(end + 1);
    }
    after_cr_ = ends_with_cr;
    for (auto nul = out.find('\0', begin); nul != std::string::npos; nul = out.find('\0', nul + 1))
        out[nul] = shown_nul;
}

CrlfText::CrlfText(std::string_view raw) : raw_(raw)
{
    auto extra = bare_line_feeds(raw);
    if (extra == 0 && raw.find('\0') == std::string_view::npos)
        return;
    is_copy_ = true;
    copy_.reserve(raw.size() + extra);
    CrlfWriter().add(raw, copy_);
}

}  // namespace mta::mime
