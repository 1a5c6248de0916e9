#include "deliver/content.h"

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include "base/file.h"
#include "base/text.h"
#include "mail/address.h"

namespace mta::deliver {

namespace {

constexpr std::size_t piece_bytes = 65536;
constexpr std::uint64_t max_header_bytes = 1 << 20;
constexpr std::string_view from_line = "From ";
constexpr std::string_view delivered_to = "Delivered-To:";

}  // namespace

std::string leading_lines(const service::DeliveryRequest& request, const service::DeliveryRecipient& recipient, const LeadingForm& form,
                          std::string_view date, std::string_view eol)
{
    const auto& sender = request.reverse_path.empty() ? form.null_sender : request.reverse_path;
    const auto& original = recipient.orig_to.empty() ? recipient.address : recipient.orig_to;
    std::string result;
    if (form.has_from_line)
        result += cat(from_line, quoted(sender), "  ", date, eol);
    if (form.has_return_path)
        result += cat("Return-Path: <", quoted(sender), ">", eol);
    if (form.has_original_to)
        result += cat("X-Original-To: ", quoted(original), eol);
    if (form.has_delivered_to)
        result += cat(delivered_to, " ", quoted(recipient.address), eol);
    return result;
}

std::string date_now()
{
    std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &local)};
}

std::string quoted(std::string_view address) { return mail::from_internal(address).external(); }

bool was_delivered_to(std::string_view header, std::string_view address)
{
    auto external = quoted(address);
    for (auto line : split(header, '\n')) {
        if (trim(line).empty())
            return false;
        if (istarts_with(line, delivered_to) && iequals(trim(line.substr(delivered_to.size())), external))
            return true;
    }
    return false;
}

std::string read_header(int fd, std::uint64_t offset, std::uint64_t size)
{
    auto bytes = read_at(fd, offset, std::min(size, max_header_bytes));
    if (!bytes)
        throw std::runtime_error(bytes.error().text);
    return bytes->substr(0, bytes->find("\n\n"));
}

Content::Content(std::string leading, int fd, std::uint64_t offset, std::uint64_t size, const ContentForm& form)
    : leading_(std::move(leading)), fd_(fd), offset_(offset), left_(size), form_(form)
{
}

std::string Content::next()
{
    std::string piece = std::move(leading_);
    leading_.clear();
    while (piece.empty() && left_ > 0) {
        auto bytes = read_at(fd_, offset_, std::min<std::uint64_t>(left_, piece_bytes));
        if (!bytes)
            throw std::runtime_error(bytes.error().text);
        offset_ += bytes->size();
        left_ -= bytes->size();
        piece = transformed(held_ + *bytes);
    }
    if (left_ == 0 && !is_finished_) {
        is_finished_ = true;
        if (!at_line_start_)
            piece += form_.eol;
        if (form_.ends_with_blank_line)
            piece += form_.eol;
    }
    return piece;
}

// What may be the beginning of "From " waits for the next piece.
std::string Content::transformed(std::string_view bytes)
{
    held_.clear();
    std::string result;
    while (!bytes.empty()) {
        if (at_line_start_ && form_.quotes_from && bytes.size() < from_line.size() && from_line.starts_with(bytes) && left_ > 0) {
            held_ = bytes;
            break;
        }
        if (at_line_start_ && form_.quotes_from && bytes.starts_with(from_line))
            result += '>';
        if (at_line_start_ && form_.doubles_dots && bytes.front() == '.')
            result += '.';
        auto end = bytes.find('\n');
        result += bytes.substr(0, end);
        at_line_start_ = end != std::string_view::npos;
        if (at_line_start_)
            result += form_.eol;
        bytes.remove_prefix(at_line_start_ ? end + 1 : bytes.size());
    }
    return result;
}

}  // namespace mta::deliver
