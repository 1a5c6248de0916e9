// Covers: lib/imap/structure.cc lib/imap/write.cc
#include "imap/structure.h"

#include "base/text.h"
#include "imap/write.h"
#include "t/fuzz/lib/imap_response.h"
#include "t/fuzz/lib/target.h"
#include "mime/crlf.h"
#include "mime/header.h"

// ENVELOPE, BODY and BODYSTRUCTURE of any message can be read by a client.
namespace {

using namespace mta;

// One list, and nothing behind it.
void check_list(std::string_view text)
{
    HOLDS(text.starts_with('('));
    fuzz::take_imap_value(text);
    HOLDS(text.empty());
}

void check_strings(std::string_view text)
{
    for (auto* append : {imap::append_string, imap::append_header_text}) {
        std::string out;
        append(out, text);
        fuzz::check_imap_values(out);
    }
    std::string out;
    imap::append_nstring(out, std::nullopt);
    imap::append_nstring(out += ' ', std::string(text));
    fuzz::check_imap_values(out);
}

}  // namespace

FUZZ(input)
{
    mime::CrlfText message(input);
    auto root = mime::parse_structure(message.view());
    check_list(imap::body_structure(message.view(), root, true));
    check_list(imap::body_structure(message.view(), root, false));
    check_list(imap::envelope(message.view().substr(0, mime::header_size(message.view()))));
    check_strings(input);
}
