#include "mime/date.h"

#include <array>
#include <ctime>

#include "base/text.h"
#include "mime/lexer.h"

namespace mta::mime {

namespace {

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

int month_number(std::string_view name)
{
    for (std::size_t i = 0; i < months.size(); ++i)
        if (istarts_with(name, months[i]))
            return static_cast<int>(i) + 1;
    return 0;
}

bool is_weekday(std::string_view name)
{
    for (auto weekday : weekdays)
        if (istarts_with(name, weekday))
            return true;
    return false;
}

void append_two(std::string& out, int number)
{
    out.push_back(static_cast<char>('0' + number / 10 % 10));
    out.push_back(static_cast<char>('0' + number % 10));
}

void append_four(std::string& out, int number)
{
    append_two(out, number / 100);
    append_two(out, number % 100);
}

// "10:52:37 +0200"
std::string clock_and_zone(const DateTime& time)
{
    std::string out;
    append_two(out, time.hour);
    out.push_back(':');
    append_two(out, time.minute);
    out.push_back(':');
    append_two(out, time.second);
    out.append(time.zone < 0 ? " -" : " +");
    int zone = time.zone < 0 ? -time.zone : time.zone;
    append_two(out, zone / 60);
    append_two(out, zone % 60);
    return out;
}

// "+hhmm" in minutes.
std::optional<int> numeric_zone(std::string_view text)
{
    if (text.size() != 5 || (text[0] != '+' && text[0] != '-'))
        return std::nullopt;
    auto number = parse_number<unsigned>(text.substr(1));
    if (!number || *number % 100 > 59)
        return std::nullopt;
    int minutes = static_cast<int>(*number / 100 * 60 + *number % 100);
    return text[0] == '-' ? -minutes : minutes;
}

// RFC 5322 section 4.3: what cannot be known (military and unknown names) is -0000.
int named_zone(std::string_view name)
{
    struct Zone { std::string_view name; int hours; };
    static constexpr Zone zones[] = {{"EDT", -4}, {"EST", -5}, {"CDT", -5}, {"CST", -6}, {"MDT", -6},
                                     {"MST", -7}, {"PDT", -7}, {"PST", -8}, {"BST", 1}, {"CET", 1},
                                     {"CEST", 2}, {"EET", 2}, {"EEST", 3}, {"MSK", 3}, {"JST", 9}};
    for (const auto& zone : zones)
        if (iequals(name, zone.name))
            return zone.hours * 60;
    return 0;
}

// RFC 5322 section 4.3: years of two and three digits.
int full_year(std::string_view digits, int year)
{
    if (digits.size() == 2)
        return year < 50 ? year + 2000 : year + 1900;
    return digits.size() == 3 ? year + 1900 : year;
}

bool take_clock(std::string_view word, DateTime& time)
{
    auto pieces = split(word, ':');
    if (pieces.size() < 2 || pieces.size() > 3)
        return false;
    auto hour = parse_number<int>(pieces[0]);
    auto minute = parse_number<int>(pieces[1]);
    auto second = pieces.size() == 3 ? parse_number<int>(pieces[2].substr(0, pieces[2].find('.'))) : 0;
    if (!hour || !minute || !second)
        return false;
    time.hour = *hour;
    time.minute = *minute;
    time.second = *second;
    return true;
}

bool take_zone(std::string_view word, DateTime& time)
{
    if (auto zone = numeric_zone(word)) {
        time.zone = *zone;
        return true;
    }
    if (!is_alpha(word.front()))
        return false;
    time.zone = named_zone(word);
    return true;
}

// "09 : 55" is one word.
std::string without_space_at_colons(std::string_view text)
{
    std::string out;
    for (char c : text) {
        if (c == ':')
            while (!out.empty() && is_space(out.back()))
                out.pop_back();
        if (!is_space(c) || !out.ends_with(':'))
            out.push_back(c);
    }
    return out;
}

// The words of a date without comments; '-' between day, month and year separates, too ("1-Jul-2003").
std::vector<std::string> date_words(std::string_view text)
{
    std::vector<std::string> words;
    bool has_clock = false;
    auto plain = without_space_at_colons(without_comments(text));
    for (auto word : split_words(plain, " \t\r\n,")) {
        has_clock = has_clock || word.find(':') != std::string_view::npos;
        if (has_clock || word.find('-') == 0)
            words.emplace_back(word);
        else
            for (auto piece : split_words(word, "-"))
                words.emplace_back(piece);
    }
    return words;
}

// Puts each word where it belongs, by its look and by what is there already.
class DateReader {
public:
    // False if the text cannot be a date.
    bool take(std::string_view word)
    {
        if (word.find(':') != std::string_view::npos)
            return has_clock_ = take_clock(word, time_);
        if (is_digit(word.front()))
            return take_number(word);
        if (has_clock_ && has_day_ && has_month_)
            return take_zone_word(word);
        if (!has_month_ && month_number(word) != 0) {
            time_.month = month_number(word);
            return has_month_ = true;
        }
        return is_weekday(word);
    }

    std::optional<DateTime> result() const
    {
        bool is_complete = has_day_ && has_month_ && has_year_ && is_valid(time_);
        return is_complete ? std::optional(time_) : std::nullopt;
    }

private:
    bool take_number(std::string_view word)
    {
        auto number = parse_number<int>(word);
        if (!number || word.size() > 4)
            return has_year_ && has_clock_;  // something after a complete date
        if (!has_day_) {
            time_.day = *number;
            has_day_ = true;
        } else if (!has_year_) {
            time_.year = full_year(word, *number);
            has_year_ = true;
        }
        return true;
    }

    // "GMT" and "+0200" may both be there; the first number counts.
    bool take_zone_word(std::string_view word)
    {
        if (has_numeric_zone_)
            return true;
        has_numeric_zone_ = !is_alpha(word.front());
        return take_zone(word, time_);
    }

    DateTime time_;
    bool has_day_ = false, has_month_ = false, has_year_ = false, has_clock_ = false, has_numeric_zone_ = false;
};

}  // namespace

std::int64_t days_since_1970(int year, int month, int day)
{
    // The year starts in March here, so that the leap day is its last.
    std::int64_t y = year - (month <= 2);
    std::int64_t era = (y >= 0 ? y : y - 399) / 400;
    std::int64_t year_of_era = y - era * 400;
    std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

std::int64_t DateTime::unix_time() const
{
    return days_since_1970(year, month, day) * 86400 + hour * 3600L + minute * 60L + second - zone * 60L;
}

DateTime DateTime::from_unix(std::int64_t seconds, int zone_minutes)
{
    std::time_t local = static_cast<std::time_t>(seconds + zone_minutes * 60L);
    std::tm parts{};
    if (::gmtime_r(&local, &parts) == nullptr)
        return {};
    return {parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, zone_minutes};
}

int local_zone(std::int64_t unix_time)
{
    std::time_t time = static_cast<std::time_t>(unix_time);
    std::tm parts{};
    ::localtime_r(&time, &parts);
    return static_cast<int>(parts.tm_gmtoff / 60);
}

bool is_valid(const DateTime& time)
{
    static constexpr int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (time.year < 0 || time.year > 9999 || time.month < 1 || time.month > 12 || time.day < 1)
        return false;
    if (time.day > days[time.month - 1])
        return false;
    bool is_leap = (time.year % 4 == 0 && time.year % 100 != 0) || time.year % 400 == 0;
    if (time.month == 2 && time.day == 29 && !is_leap)
        return false;
    return time.hour >= 0 && time.hour < 24 && time.minute >= 0 && time.minute < 60 && time.second >= 0 && time.second < 61;
}

std::optional<DateTime> parse_date(std::string_view text)
{
    DateReader reader;
    for (const auto& word : date_words(text.substr(0, 256)))
        if (!reader.take(word))
            return std::nullopt;
    return reader.result();
}

std::string format_date(const DateTime& time)
{
    auto days = days_since_1970(time.year, time.month, time.day);
    auto weekday = static_cast<std::size_t>(((days + 4) % 7 + 7) % 7);
    auto out = cat(weekdays[weekday], ", ");
    append_two(out, time.day);
    append(out, ' ');
    append(out, months[static_cast<std::size_t>(time.month) - 1]);
    append(out, ' ');
    append_four(out, time.year);
    append(out, ' ');
    return out + clock_and_zone(time);
}

std::optional<DateTime> parse_imap_date(std::string_view text)
{
    auto pieces = split(text, '-');
    if (pieces.size() != 3 || pieces[0].empty() || pieces[0].size() > 2 || pieces[1].size() != 3 || pieces[2].size() != 4)
        return std::nullopt;
    auto day = parse_number<unsigned>(pieces[0]);
    auto year = parse_number<unsigned>(pieces[2]);
    DateTime time;
    time.month = month_number(pieces[1]);
    if (!day || !year || time.month == 0)
        return std::nullopt;
    time.day = static_cast<int>(*day);
    time.year = static_cast<int>(*year);
    return is_valid(time) ? std::optional(time) : std::nullopt;
}

std::optional<DateTime> parse_internal_date(std::string_view text)
{
    if (text.size() != 26 || text[11] != ' ' || text[14] != ':' || text[17] != ':' || text[20] != ' ')
        return std::nullopt;
    auto date = parse_imap_date(text.substr(text[0] == ' ' ? 1 : 0, text[0] == ' ' ? 10 : 11));
    auto zone = numeric_zone(text.substr(21));
    if (!date || !zone || !take_clock(text.substr(12, 8), *date))
        return std::nullopt;
    date->zone = *zone;
    return is_valid(*date) ? date : std::nullopt;
}

std::string format_internal_date(const DateTime& time)
{
    std::string out;
    append_two(out, time.day);
    if (out[0] == '0')
        out[0] = ' ';
    append(out, '-');
    append(out, months[static_cast<std::size_t>(time.month) - 1]);
    append(out, '-');
    append_four(out, time.year);
    append(out, ' ');
    return out + clock_and_zone(time);
}

}  // namespace mta::mime
