#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mta::mime {

// A point in time as somebody wrote it: the civil date and time there, and the zone.
struct DateTime {
    int year = 1970, month = 1, day = 1;
    int hour = 0, minute = 0, second = 0;
    int zone = 0;  // minutes east of UTC

    std::int64_t unix_time() const;
    static DateTime from_unix(std::int64_t seconds, int zone_minutes = 0);
    bool operator==(const DateTime&) const = default;
};

bool is_valid(const DateTime& time);
std::int64_t days_since_1970(int year, int month, int day);

// The zone of this host at that time, in minutes east of UTC.
int local_zone(std::int64_t unix_time);

// RFC 5322 section 3.3 and the obsolete forms of section 4.3 (comments, two-digit years, named and military zones, no
// seconds), and what else old programs write: no zone at all, the order of asctime(3), long names of months.
std::optional<DateTime> parse_date(std::string_view text);
// "Tue, 01 Jul 2003 10:52:37 +0200"
std::string format_date(const DateTime& time);

// RFC 3501 section 9, date-time without its quotes: " 1-Jul-2003 10:52:37 +0200".
std::optional<DateTime> parse_internal_date(std::string_view text);
std::string format_internal_date(const DateTime& time);
// RFC 3501 section 9, date-text: "1-Jul-2003"; time and zone are zero.
std::optional<DateTime> parse_imap_date(std::string_view text);

}  // namespace mta::mime
