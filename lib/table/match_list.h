#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "table/source.h"
#include "table/table.h"

namespace mta::table {

// The value of a list parameter: names, .domain, addresses and networks, !pattern, /file/name, type:table; the first pattern
// that matches decides. Three answers: in it, not in it, or an Error if a table cannot tell.
class MatchList {
public:
    struct Options {
        // Whether "example.com" also matches "a.example.com" (parent_domain_matches_subdomains has this list's name);
        // if not, only ".example.com" does.
        bool parents_match = false;
        table::Options table;
    };

    MatchList();  // empty: nothing is in it
    MatchList(MatchList&&) noexcept;
    MatchList& operator=(MatchList&&) noexcept;
    ~MatchList();

    static Result<MatchList> open(std::string_view list, const Options& options);
    static Result<MatchList> open(std::string_view list);
    static Result<MatchList> open(const std::vector<std::string>& words, const Options& options);
    static Result<MatchList> open(const std::vector<std::string>& words);

    // A domain or host name: mydestination, relay_domains, virtual_mailbox_domains, smtputf8 and TLS site lists.
    Result<bool> has_domain(std::string_view domain) const;
    // A client by its verified name and its address: mynetworks, debug_peer_list.
    Result<bool> has_client(std::string_view name, std::string_view ip_address) const;
    // An address alone: proxy_interfaces, XCLIENT hosts.
    Result<bool> has_address(std::string_view ip_address) const;
    // A word, without any meaning of dots: masquerade_exceptions, authorized_submit_users.
    Result<bool> has_word(std::string_view word) const;

    bool empty() const;
    bool is_stale() const;
    // Reads tables and files again that were replaced. What cannot be read now stays as it was, with a warning, but what is not in it
    // may be in its successor: nobody can tell.
    void renew();

private:
    struct Pattern;
    struct Subject;
    struct Reader;
    Result<bool> has(const Subject& subject) const;
    std::vector<Pattern> patterns_;
    std::vector<FileMark> files_;
    std::vector<std::string> words_;
    Options options_;
    std::time_t next_renewal_ = 0;  // after one that failed
    std::string outdated_;          // what could not be read again
};

}  // namespace mta::table
