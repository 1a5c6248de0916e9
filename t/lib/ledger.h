#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "t/lib/suite.h"

namespace mta::test {

// What clients sent and what they were told, for t/mailcheck, where the format is described. Any thread may write.
class Ledger {
public:
    explicit Ledger(std::string path);

    // The message, in SMTP's form but without dot-stuffing, carries the token in a field X-Token.
    void send(std::string_view token, std::string_view sender, const std::vector<std::string>& recipients, std::string_view message) const;
    void answer(std::string_view token, bool is_accepted, std::string_view queue_id) const;
    void remote(std::string_view address) const { note("remote", {{"address", address}}); }
    void bad(std::string_view address) const { note("bad", {{"address", address}}); }
    // Something that may double one mail at another host, or one notification.
    void fault(std::string_view kind) const { note("fault", {{"kind", kind}}); }

    // What t/mailcheck says about the suite, whose queue has had its time; receivers: directories of smtp-sink's dumps.
    Outcome check(const Suite& suite, const std::vector<std::string>& receivers) const;

private:
    struct Value {
        std::string_view name, text;
    };
    void note(std::string_view event, const std::vector<Value>& values, std::string_view more = "") const;

    std::string path_;
    Fd fd_;
};

}  // namespace mta::test
