#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Dovecot's authentication client protocol, version 1: lines of fields between TABs, both for the server (auth) and for
// the client (front).
namespace mta::auth {

constexpr std::size_t max_wire_line_bytes = 16384;

// A field as it goes over the wire: \001 stands in front of 0, 1, t, n and r for NUL, \001, TAB, LF and CR.
std::string wire_escape(std::string_view field);
std::string wire_unescape(std::string_view field);

// A line's command, the number behind it (AUTH, CONT, OK, FAIL...), and the other fields, unescaped.
struct WireLine {
    std::string command;
    std::uint32_t id = 0;
    std::vector<std::string> fields;

    static WireLine parse(std::string_view line);
    // The value of "name=value" among the fields; nothing if there is none.
    std::optional<std::string_view> find(std::string_view name) const;
    bool has(std::string_view flag) const;
};

// Fields to a line with its LF; the fields are escaped.
std::string wire_line(const std::vector<std::string>& fields);

}  // namespace mta::auth
