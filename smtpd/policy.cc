#include "smtpd/policy.h"

#include <algorithm>

#include "base/text.h"
#include "log/log.h"
#include "smtpd/evaluation.h"

namespace mta::smtpd {

namespace {

constexpr std::string_view warn_if_reject = "warn_if_reject";

Error unknown_rule(std::string_view parameter, std::string_view word)
{
    std::vector<std::string> names{std::string(warn_if_reject)};
    for (const auto& rule : all_rules())
        names.emplace_back(rule.name);
    auto near = config::nearest(word, names);
    return failure(cat(parameter, ": unknown restriction \"", word, "\"", near ? cat("; did you mean \"", *near, "\"?") : ""));
}

// "main.cf, line 7: " for a parameter that is set.
std::string place_of(const Params& params, std::string_view parameter)
{
    const auto* setting = params.config().find(parameter);
    return setting ? cat(setting->place.text(), ": ") : std::string();
}

}  // namespace

Result<Policy::Steps> Policy::parse(std::string_view parameter, const std::vector<std::string>& words)
{
    Steps steps;
    bool only_warns = false;
    for (const auto& word : words) {
        if (iequals(word, warn_if_reject)) {
            only_warns = true;
            continue;
        }
        const auto& rules = all_rules();
        auto rule = std::find_if(rules.begin(), rules.end(), [&](const Rule& r) { return iequals(r.name, word); });
        if (rule == rules.end())
            return unknown_rule(parameter, word);
        steps.push_back({&*rule, only_warns});
        only_warns = false;
    }
    if (only_warns)
        return failure(cat(parameter, ": no restriction after \"", warn_if_reject, "\""));
    return steps;
}

bool Policy::is_safe(const Steps& steps)
{
    return std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.rule->closes_relay && !step.only_warns; });
}

Result<Policy> Policy::open(const Params& params, const config::Common& common)
{
    Policy policy(params);
    struct List {
        Steps& steps;
        std::string_view name;
        const std::vector<std::string>& words;
    };
    for (auto& list : {List{policy.client_, "smtpd_client_restrictions", params.client_restrictions}, {policy.helo_, "smtpd_helo_restrictions", params.helo_restrictions},
                       {policy.sender_, "smtpd_sender_restrictions", params.sender_restrictions}, {policy.relay_, "smtpd_relay_restrictions", params.relay_restrictions},
                       {policy.recipient_, "smtpd_recipient_restrictions", params.recipient_restrictions}, {policy.data_, "smtpd_data_restrictions", params.data_restrictions},
                       {policy.end_of_data_, "smtpd_end_of_data_restrictions", params.end_of_data_restrictions}}) {
        auto steps = parse(list.name, list.words);
        if (!steps)
            return failure(cat(place_of(params, list.name), steps.error().text));
        list.steps = *std::move(steps);
    }
    if (!is_safe(policy.relay_) && !is_safe(policy.recipient_))
        return failure("in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: "
                       "reject_unauth_destination, defer_unauth_destination, reject, defer");
    auto bare_newline = smtp::bare_newline_named(params.forbid_bare_newline());
    if (!bare_newline)
        return failure(cat(place_of(params, "smtpd_forbid_bare_newline"), "smtpd_forbid_bare_newline: bad value \"", params.forbid_bare_newline(), "\", must be yes, normalize, reject, note or no"));
    policy.bare_newline_ = *bare_newline;
    if (auto opened = policy.open_lists(common); !opened)
        return opened.error();
    return policy;
}

Result<void> Policy::open_lists(const config::Common& common)
{
    const auto& with_parents = params_->parent_domain_matches_subdomains();
    bool parents_match = std::find(with_parents.begin(), with_parents.end(), "mynetworks") != with_parents.end();
    struct List {
        table::MatchList& list;
        const std::vector<std::string>& words;
        bool parents_match;
    };
    for (const auto& [list, words, parents] : {List{mynetworks_, common.mynetworks, parents_match}, {debug_peers_, common.debug_peer_list, true},
                                               {bare_newline_exclusions_, params_->forbid_bare_newline_exclusions, false}}) {
        table::MatchList::Options options;
        options.parents_match = parents;
        options.table.default_type = common.default_database_type;
        options.table.may_be_missing = true;
        auto opened = table::MatchList::open(words, options);
        if (!opened)
            return opened.error();
        list = *std::move(opened);
    }
    return {};
}

void Policy::renew()
{
    for (auto* list : {&mynetworks_, &debug_peers_, &bare_newline_exclusions_})
        list->renew();
}

bool Policy::is_debugged(const Client& client) const
{
    auto is_in = debug_peers_.has_client(client.facts.client_name, client.facts.client_address);
    return is_in && *is_in;
}

Result<bool> Policy::is_in_mynetworks(const Client& client) const
{
    return mynetworks_.has_client(client.facts.client_name, client.facts.client_address);
}

smtp::BareNewline Policy::bare_newline_for(const Client& client) const
{
    auto is_excluded = bare_newline_exclusions_.has_client(client.facts.client_name, client.facts.client_address);
    if (!is_excluded)
        log::warning("smtpd_forbid_bare_newline_exclusions: ", is_excluded.error().text);
    return is_excluded && *is_excluded ? smtp::BareNewline::allow : bare_newline_;
}

Policy::Verdict Policy::check_recipient(const Client& client, const mail::Address& sender, const mail::Address& recipient, Services services) const
{
    Verdict verdict;
    Evaluation evaluation(*this, client, sender, &recipient, services);
    struct List {
        Stage stage;
        const Steps& steps;
    };
    for (const auto& list : {List{Stage::client, client_}, {Stage::helo, helo_}, {Stage::sender, sender_}, {Stage::recipient, relay_}, {Stage::recipient, recipient_}})
        if (!evaluation.run(list.stage, list.steps, verdict))
            return verdict;
    if (params_->reject_unlisted_recipient) {
        verdict.reply = evaluation.reject_unlisted_recipient().reply;
        if (!verdict.reply.empty())
            return verdict;
    }
    verdict.recipient = evaluation.final_recipient();
    return verdict;
}

Policy::Verdict Policy::check_data(const Client& client, const mail::Address& sender, Services services) const
{
    Verdict verdict;
    Evaluation(*this, client, sender, nullptr, services).run(Stage::data, data_, verdict);
    return verdict;
}

Policy::Verdict Policy::check_end_of_data(const Client& client, const mail::Address& sender, Services services) const
{
    Verdict verdict;
    Evaluation(*this, client, sender, nullptr, services).run(Stage::end_of_data, end_of_data_, verdict);
    return verdict;
}

}  // namespace mta::smtpd
