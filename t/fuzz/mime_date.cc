// Covers: lib/mime/date.cc
#include "mime/date.h"

#include "base/text.h"
#include "t/fuzz/lib/target.h"

// Dates of header fields and of IMAP: printed and read again they are the same.
namespace {

using namespace mta;

void check_time(const mime::DateTime& time)
{
    HOLDS(mime::is_valid(time));
    HOLDS(mime::DateTime::from_unix(time.unix_time(), time.zone).unix_time() == time.unix_time());
}

}  // namespace

FUZZ(input)
{
    if (auto date = mime::parse_date(input)) {
        check_time(*date);
        auto again = mime::parse_date(mime::format_date(*date));
        HOLDS(again && again->unix_time() == date->unix_time());
    }
    if (auto date = mime::parse_internal_date(input)) {
        check_time(*date);
        auto again = mime::parse_internal_date(mime::format_internal_date(*date));
        HOLDS(again == date);
    }
    if (auto date = mime::parse_imap_date(input))
        HOLDS(mime::is_valid(*date) && date->hour == 0 && date->zone == 0);
    fuzz::Input in(input);
    std::int64_t seconds = 0;
    for (char c : in.bytes(5))
        seconds = seconds * 256 + static_cast<unsigned char>(c);
    auto time = mime::DateTime::from_unix(seconds, static_cast<int>(in.number(1440)) - 720);
    HOLDS(time.unix_time() == seconds);
    if (time.year >= 1970 && time.year <= 9999)
        HOLDS(mime::parse_internal_date(mime::format_internal_date(time)) == time);
}
