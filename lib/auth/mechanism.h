#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/scram.h"

// The server's side of the SASL mechanisms, without any waiting: each call says what has to happen next.
namespace mta::auth {

struct Step {
    enum class Kind {
        challenge,  // send data to the client, pass its answer to respond()
        password,   // check data as password() of user(), then tell by checked()
        keys,       // find the SCRAM keys of user(), then tell by found()
        success,    // user() is who it says; data is for the client, if not empty
        failure     // it is not, or broke the rules: data says why
    };
    Kind kind = Kind::failure;
    std::string data;
    bool malformed = false;  // failure: not a wrong password but a message that makes no sense
};

class Mechanism {
public:
    virtual ~Mechanism() = default;
    // The start, with the initial response if the client has sent one (an empty one is not the same as none).
    virtual Step start(const std::optional<std::string>& initial) = 0;
    virtual Step respond(std::string_view response) = 0;
    virtual Step checked(bool right);
    virtual Step found(const ScramKeys& keys);
    const std::string& user() const { return user_; }  // lower case; empty until it is known

protected:
    // Takes the names of the client; false if they cannot be those of a user. Who logs in acts for nobody else.
    bool take_names(std::string_view authentication, std::string_view authorization);
    static Step failure(std::string_view why, bool malformed = false) { return {Step::Kind::failure, std::string(why), malformed}; }

    std::string user_;
};

struct MechanismInfo {
    std::string_view name;
    bool plaintext;  // the password itself goes over the wire
};
const std::vector<MechanismInfo>& mechanisms();

// Nothing if there is no such mechanism; the name in any case.
std::unique_ptr<Mechanism> make_mechanism(std::string_view name);

// Whether it can be a user's name: UTF-8 of moderate length without control characters, white space, ':' and '/'.
bool is_user_name(std::string_view name);

}  // namespace mta::auth
