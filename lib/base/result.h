#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace mta {

// Why something did not work: a text for people and an enhanced status code (RFC 3463) for the log, the
// SMTP reply and the DSN. Trouble of our own is temporary unless the code is sure that it is final.
struct Error {
    std::string text;
    std::string status = "4.3.0";

    bool is_permanent() const { return !status.empty() && status.front() == '5'; }
};

// Our own trouble: temporary.
inline Error failure(std::string text) { return Error{std::move(text), "4.3.0"}; }

// A T, or the Error that says why there is none.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return content_.index() == 0; }
    T& operator*() & { return std::get<0>(content_); }
    const T& operator*() const& { return std::get<0>(content_); }
    T&& operator*() && { return std::get<0>(std::move(content_)); }
    T* operator->() { return &std::get<0>(content_); }
    const T* operator->() const { return &std::get<0>(content_); }
    const Error& error() const { return std::get<1>(content_); }

private:
    std::variant<T, Error> content_;
};

// Done, or the Error that says why not.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    explicit operator bool() const { return !error_; }
    const Error& error() const { return *error_; }

private:
    std::optional<Error> error_;
};

}  // namespace mta
