#pragma once

#include <string>
#include <string_view>

namespace mta::test {

// A text that no other test has: part of subjects and addresses.
std::string unique();

// A message with CRLF, complete header and this body.
std::string message(std::string_view subject, std::string_view body = "Hello.\r\n");

// Nasty bodies with CRLF: dots, 8-bit text, a line of 998, trailing space, no text at all after the header's end.
std::string nasty_body();
std::string large_body(std::size_t bytes);

// With CRLF instead of LF alone.
std::string with_crlf(std::string_view text);
// Without the trace fields at the beginning: Return-Path, Delivered-To, X-Original-To, Received; with CRLF.
std::string without_trace(std::string_view message);
// What follows the empty line after the header; with CRLF.
std::string body_of(std::string_view message);

// Nothing if both are the same, else where they begin to differ.
std::string difference(std::string_view sent, std::string_view received);

}  // namespace mta::test
