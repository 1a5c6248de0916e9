#include <catch2/catch.hpp>

#include "auth/scheme.h"

using namespace mta;
using namespace mta::auth;

TEST_CASE("every scheme that can be made can be verified", "[auth]")
{
    for (const auto& scheme : password_schemes()) {
        INFO(scheme);
        auto stored = make_password(scheme, "geheim");
        REQUIRE(stored);
        CHECK(stored->starts_with("{" + scheme + "}"));
        auto right = verify_password(*stored, "geheim"), wrong = verify_password(*stored, "Geheim"), empty = verify_password(*stored, "");
        REQUIRE(right);
        CHECK(*right);
        REQUIRE(wrong);
        CHECK_FALSE(*wrong);
        REQUIRE(empty);
        CHECK_FALSE(*empty);
        if (scheme != "PLAIN")
            CHECK(*make_password(scheme, "geheim") != *stored);
        auto with_nul = verify_password(*stored, std::string_view("geheim\0x", 8));
        REQUIRE(with_nul);
        CHECK_FALSE(*with_nul);
    }
}

TEST_CASE("what other programs have stored is understood", "[auth]")
{
    // made by openssl passwd, crypt(3), slappasswd and argon2(1)
    struct Known {
        const char* stored;
        const char* password;
    };
    for (const auto& known : std::vector<Known>{
             {"{PLAIN}pass:word", "pass:word"},
             {"{cleartext}secret", "secret"},
             {"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "password"},
             {"{SHA1.HEX}5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "password"},
             {"{SHA256}XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg=", "password"},
             {"{SHA256.HEX}5E884898DA28047151D0E56F8DC6292773603D0D6AABBDD62A11EF721D1542D8", "password"},
             {"{PLAIN-MD5}5f4dcc3b5aa765d61d8327deb882cf99", "password"},
             {"{LDAP-MD5}X03MO1qnZdYdgyfeuILPmQ==", "password"},
             {"{SHA512-CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1", "Hello world!"},
             {"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!"},
             {"{BLF-CRYPT}$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
             {"{MD5-CRYPT}$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "password"},
             {"{CRYPT}$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "password"},
             {"{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", "pencil"},
             {"{ARGON2ID}$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
             {"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
             {"{PBKDF2}$1$salt$1$0c60c80f961f0e71f3a9b524af6012062fe037a6", "password"}}) {
        INFO(known.stored);
        auto right = verify_password(known.stored, known.password);
        REQUIRE(right);
        CHECK(*right);
        auto wrong = verify_password(known.stored, "wrong");
        REQUIRE(wrong);
        CHECK_FALSE(*wrong);
    }
}

TEST_CASE("a locked password lets nobody in", "[auth]")
{
    for (auto stored : {"", "x", "*", "!", "!!", "!$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO"})
        for (auto password : {"", "x", "*", "!"}) {
            auto answer = verify_password(stored, password);
            REQUIRE(answer);
            CHECK_FALSE(*answer);
        }
}

TEST_CASE("what makes no sense is an error, never a yes", "[auth]")
{
    for (auto stored : {"{NO-SUCH}abc", "{SHA}abc", "{SSHA}", "{SHA256}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{SCRAM-SHA-256}x", "{PBKDF2}x",
                        "{PBKDF2}$1$salt$0$00", "{ARGON2ID}$argon2id$rubbish", "$nonsense$x", "{SHA.HEX}zz", "{}x", "{PBKDF2}$1$salt$1$"}) {
        INFO(stored);
        auto answer = verify_password(stored, "password");
        CHECK_FALSE(answer);
        if (!answer)
            CHECK_FALSE(answer.error().is_permanent());
    }
}

TEST_CASE("passwords that cannot be stored are refused", "[auth]")
{
    CHECK_FALSE(make_password("CRYPT", ""));
    CHECK_FALSE(make_password("CRYPT", "two\nlines"));
    CHECK_FALSE(make_password("PLAIN", "with:colon"));
    CHECK_FALSE(make_password("NO-SUCH", "x"));
    CHECK_FALSE(make_password("SHA", "x"));  // without salt
    CHECK(make_password("crypt", "x"));
}

TEST_CASE("the scheme stands in braces", "[auth]")
{
    CHECK(split_scheme("{ssha}abc").scheme == "SSHA");
    CHECK(split_scheme("{ssha}abc").value == "abc");
    CHECK(split_scheme("$y$abc").scheme == "CRYPT");
    CHECK(split_scheme("{broken").value == "{broken");
}
