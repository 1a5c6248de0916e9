// Covers: lib/imap/utf7.cc lib/imap/pattern.cc lib/maildir/folder_name.cc
#include "base/text.h"
#include "imap/pattern.h"
#include "imap/utf7.h"
#include "t/fuzz/lib/target.h"
#include "maildir/folder_name.h"

// Names of mailboxes: modified UTF-7 there and back, patterns of LIST against a slow matcher, names of Maildir++ folders.
namespace {

using namespace mta;

bool slow_match(std::string_view pattern, std::string_view name)
{
    if (pattern.empty())
        return name.empty();
    if (pattern.front() != '*' && pattern.front() != '%')
        return !name.empty() && name.front() == pattern.front() && slow_match(pattern.substr(1), name.substr(1));
    for (std::size_t size = 0; size <= name.size(); ++size) {
        if (slow_match(pattern.substr(1), name.substr(size)))
            return true;
        if (size < name.size() && pattern.front() == '%' && name[size] == '.')
            return false;
    }
    return false;
}

void check_pattern(std::string_view pattern, std::string_view name)
{
    bool result = imap::matches(pattern, name, '.');
    bool has_inbox = iequals(name.substr(0, 5), "INBOX");
    auto wildcards = std::count_if(pattern.begin(), pattern.end(), [](char c) { return c == '*' || c == '%'; });
    if (has_inbox || wildcards > 4 || name.size() > 60)
        return;
    HOLDS(result == slow_match(pattern, name));
}

void check_utf7(std::string_view text)
{
    if (auto utf8 = imap::decode_utf7(text)) {
        HOLDS(is_utf8(*utf8));
        HOLDS(imap::encode_utf7(*utf8) == text);
    }
    auto name = imap::encode_utf7(text);
    HOLDS(name.has_value() == is_utf8(text));
    if (name) {
        HOLDS(is_ascii(*name));
        HOLDS(imap::decode_utf7(*name) == text);
    }
}

void check_folder(std::string_view text)
{
    auto name = maildir::normal_name(text);
    if (!name)
        return;
    auto again = maildir::normal_name(*name);
    HOLDS(again && *again == *name);
    auto directory = maildir::directory_of(*name);
    HOLDS(directory.empty() == (*name == "INBOX") && directory.find('/') == std::string::npos && directory != "." && directory != "..");
    HOLDS(directory.empty() || maildir::folder_of(directory) == *name);
    for (const auto& parent : maildir::parents_of(*name))
        HOLDS(name->starts_with(parent + "."));
    maildir::usual_special_use(*name);
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    auto pattern = in.text('\n');
    auto name = in.rest();
    check_pattern(pattern, name);
    check_utf7(name);
    check_folder(name);
    if (auto folder = maildir::folder_of(name))
        HOLDS(maildir::directory_of(*folder) == name);
}
