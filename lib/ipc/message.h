#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/text.h"

// The attribute protocol between our processes: "name NUL value NUL ... NUL", ended by an empty name; at most
// max_message_bytes. A message may carry one descriptor.
namespace mta::ipc {

constexpr std::size_t max_message_bytes = 65536;

class Message {
public:
    Message() = default;

    // A value may be any bytes but NUL, which is refused by cutting nothing: it becomes '?'.
    void add(std::string_view name, std::string_view value);
    // The value of the first attribute of that name; the view lives as long as the message.
    std::optional<std::string_view> find(std::string_view name) const;
    // Like find(), but goes on behind the attribute that was found last; for lists.
    std::optional<std::string_view> next(std::string_view name) const;
    void rewind() const { cursor_ = 0; }

    const std::string& body() const { return body_; }  // without the NUL that ends the message
    std::string encoded() const { return body_ + '\0'; }

    Message copy() const;  // with a descriptor of its own
    // How far somebody has looked at a message that is not complete, so that nothing is looked at twice.
    struct Progress {
        std::size_t at = 0, begin = 0;  // the bytes before at are known, and those from begin on belong to one name or value
        bool is_value = false;
    };
    // Takes one message from the start of the bytes: its length, or 0 if it is not complete, or an Error if it is no message.
    static Result<std::size_t> take(std::string_view bytes, Message& into)
    {
        Progress none;
        return take(bytes, into, none);
    }
    // The same for bytes that become more, with the same progress until there is a message.
    static Result<std::size_t> take(std::string_view bytes, Message& into, Progress& progress);

    Fd fd;  // the descriptor that travels with the message

private:
    std::string body_;
    mutable std::size_t cursor_ = 0;
};

// Structs declare their attributes once:
//   template <class Self, class Visitor> static void attributes(Self& self, Visitor&& visit)
//   { visit("sender", self.reverse_path); visit("recipients", self.recipients); }
// Members are std::string, whole numbers, bool, std::vector<std::string>, vectors of such structs, and std::optional of
// the simple ones (sent only if there is a value). Names within vectors of structs must not be used outside of them.
class Packer {
public:
    explicit Packer(Message& message) : message_(message) {}
    void operator()(std::string_view name, const std::string& value) { message_.add(name, value); }
    void operator()(std::string_view name, bool value) { message_.add(name, value ? "1" : "0"); }
    template <std::integral Number>
        requires(!std::same_as<Number, bool>)
    void operator()(std::string_view name, Number value)
    {
        message_.add(name, cat(value));
    }
    template <class T>
    void operator()(std::string_view name, const std::optional<T>& value)
    {
        if (value)
            (*this)(name, *value);
    }
    void operator()(std::string_view name, const std::vector<std::string>& values)
    {
        message_.add(name, cat(values.size()));
        for (const auto& value : values)
            message_.add(name, value);
    }
    template <class Struct>
    void operator()(std::string_view name, const std::vector<Struct>& values)
    {
        message_.add(name, cat(values.size()));
        for (const auto& value : values)
            Struct::attributes(value, *this);
    }

private:
    Message& message_;
};

class Unpacker {
public:
    explicit Unpacker(const Message& message) : message_(message) { message.rewind(); }
    const std::optional<Error>& error() const { return error_; }

    void operator()(std::string_view name, std::string& value) { text(name, value); }
    void operator()(std::string_view name, bool& value)
    {
        std::string raw;
        if (text(name, raw))
            value = raw == "1";
    }
    template <std::integral Number>
        requires(!std::same_as<Number, bool>)
    void operator()(std::string_view name, Number& value)
    {
        std::string raw;
        if (!text(name, raw))
            return;
        if (auto number = parse_number<Number>(raw))
            value = *number;
        else
            fail("bad number", name);
    }
    template <class T>
    void operator()(std::string_view name, std::optional<T>& value)
    {
        if (message_.next(name)) {
            T member{};
            message_.rewind();
            (*this)(name, member);
            value = std::move(member);
        }
    }
    void operator()(std::string_view name, std::vector<std::string>& values)
    {
        values.resize(count(name));
        for (auto& value : values)
            text(name, value);
    }
    template <class Struct>
    void operator()(std::string_view name, std::vector<Struct>& values)
    {
        values.resize(count(name));
        for (auto& value : values)
            Struct::attributes(value, *this);
    }

private:
    bool text(std::string_view name, std::string& value);
    std::size_t count(std::string_view name);
    void fail(std::string_view why, std::string_view name);

    const Message& message_;
    std::optional<Error> error_;
};

template <class T>
Message pack(const T& value)
{
    Message message;
    T::attributes(value, Packer(message));
    return message;
}

// The struct, or an Error that names the attribute which is missing or bad; never trusts the sender.
template <class T>
Result<T> unpack(const Message& message)
{
    T value;
    Unpacker unpacker(message);
    T::attributes(value, unpacker);
    if (unpacker.error())
        return *unpacker.error();
    return value;
}

}  // namespace mta::ipc
