// Covers: lib/mime/crlf.cc lib/maildir/body.cc
#include "mime/crlf.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "t/fuzz/lib/target.h"
#include "maildir/body.h"

// The CRLF form of a stored message: the same at once, in pieces, and read from a file at any place.
namespace {

using namespace mta;

std::string slow_crlf(std::string_view raw)
{
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] == '\n' && (i == 0 || raw[i - 1] != '\r'))
            out += '\r';
        out += raw[i] == '\0' ? '\x80' : raw[i];
    }
    return out;
}

std::uint64_t counted(std::string_view raw, std::size_t seed)
{
    std::uint64_t count = 0;
    bool after_cr = false;
    fuzz::in_pieces(raw, seed, [&](std::string_view piece) { count += maildir::count_crlf(piece, after_cr); });
    return count;
}

void check_body(std::string_view raw, const std::string& expected, fuzz::Input places)
{
    static const int file = ::memfd_create("body", MFD_CLOEXEC);
    HOLDS(::ftruncate(file, 0) == 0 && ::pwrite(file, raw.data(), raw.size(), 0) == static_cast<ssize_t>(raw.size()));
    maildir::Body body(Fd(::dup(file)), raw.size(), expected.size());
    HOLDS(body.is_verbatim() == (raw.size() == expected.size()));
    for (int i = 0; i < 4; ++i) {
        auto offset = places.number(expected.size() + 2), size = places.number(65536);
        auto piece = body.read(offset, size);
        HOLDS(piece && *piece == (offset < expected.size() ? expected.substr(offset, size) : ""));
    }
    auto all = body.read_all();
    HOLDS(all && *all == expected);
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    auto seed = in.number(256);
    auto places = fuzz::Input(in.bytes(8));
    auto raw = in.rest();
    auto expected = slow_crlf(raw);
    HOLDS(mime::crlf_size(raw) == expected.size());
    HOLDS(counted(raw, seed) == expected.size());
    mime::CrlfText text(raw);
    HOLDS(text.view() == expected && text.size() == expected.size());
    std::string pieces;
    mime::CrlfWriter writer;
    fuzz::in_pieces(raw, seed, [&](std::string_view piece) { writer.add(piece, pieces); });
    HOLDS(pieces == expected);
    check_body(raw, expected, places);
}
