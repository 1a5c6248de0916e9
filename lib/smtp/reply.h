#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// A server's replies (RFC 5321 section 4.2, RFC 2034), as a client sees them: every byte is under suspicion.
namespace mta::smtp {

struct Reply {
    int code = 0;                    // 200 to 599
    std::string status;              // enhanced status: "5.1.1", or "5.0.0" if the reply has none that fits its code
    std::vector<std::string> lines;  // the texts behind code and separator, made printable

    bool is_positive() const { return code / 100 == 2; }
    bool is_intermediate() const { return code / 100 == 3; }
    bool is_permanent() const { return code / 100 == 5; }  // what is neither positive nor permanent is temporary

    // All lines with their codes and blanks between them, as in log lines: "250-2.1.0 a 250 2.1.0 b"; at most max_bytes.
    std::string text(std::size_t max_bytes = 4096) const;
};

// Puts the lines of a reply together.
class ReplyParser {
public:
    static constexpr std::size_t max_lines = 250;
    static constexpr std::size_t max_line_bytes = 2048;  // the rest of a longer line is dropped

    // The next line without its end: the reply, if this was its last line, or an Error if this is not SMTP.
    Result<std::optional<Reply>> add(std::string_view line);

private:
    Reply reply_;
};

// RFC 3463: the enhanced status code at the start of the text, if its class is that of the code.
std::optional<std::string> find_enhanced_status(std::string_view text, int code);

// One extension in a reply to EHLO: "SIZE 10240000" or the old "AUTH=PLAIN LOGIN".
struct Extension {
    std::string keyword;                  // in upper case
    std::vector<std::string> parameters;  // in upper case
};
// The extensions in a positive reply to EHLO or LHLO, without its first line; those with malformed keywords are left out.
std::vector<Extension> parse_extensions(const Reply& reply);

}  // namespace mta::smtp
