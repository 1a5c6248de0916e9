#pragma once

#include <string>
#include <string_view>

#include "base/text.h"

// One event, one line, in Postfix's text form: "Mar 03 10:15:42 host tag[pid]: text". Control characters in
// the text become '?'. Lines go where open_*() said, to standard error before that.
namespace mta::log {

// Appends to a file (kept open: a process in its sandbox cannot open it again); false if it cannot be opened.
bool open_file(const std::string& path);
// Sends to the syslog daemon's socket; false if there is none.
bool open_syslog(const std::string& facility = "mail");
// Writes to standard error, for commands: "postqueue: fatal: text".
void open_stderr();

// Besides, lines go to standard error as "name: text": for commands whose acts belong into the log.
void copy_to_stderr(std::string name);

// "postfix/smtpd": what stands before "[pid]:"; for commands the program's name.
void set_tag(std::string tag);
const std::string& tag();

// Whether debug() writes; set for the peers in debug_peer_list and with -v.
void set_verbose(bool verbose);
bool verbose();

enum class Level { debug, info, warning, error, fatal };
void write(Level level, std::string_view text);

template <class... Parts>
void debug(const Parts&... parts)
{
    if (verbose())
        write(Level::debug, cat(parts...));
}
// What happened to mail.
template <class... Parts>
void info(const Parts&... parts)
{
    write(Level::info, cat(parts...));
}
// The operator must act.
template <class... Parts>
void warning(const Parts&... parts)
{
    write(Level::warning, cat(parts...));
}
template <class... Parts>
void error(const Parts&... parts)
{
    write(Level::error, cat(parts...));
}

// Exit status of a process that said fatal(): 1, unless a command has set a sysexits code.
void set_fatal_status(int status);
[[noreturn]] void stop();

// We cannot run: logs and exits. Never because of input from outside.
template <class... Parts>
[[noreturn]] void fatal(const Parts&... parts)
{
    write(Level::fatal, cat(parts...));
    stop();
}

}  // namespace mta::log
