#include "smtpd/evaluation.h"

#include <algorithm>

#include "base/text.h"
#include "log/log.h"
#include "smtp/command.h"

namespace mta::smtpd {

namespace {

constexpr std::string_view unknown_host = "unknown";
constexpr std::string_view table_prefix = " in ";  // "User unknown in local recipient table"

bool is_full_domain(std::string_view domain)
{
    if (!domain.empty() && domain.front() == '[')
        return true;
    auto without_end = domain.substr(0, domain.empty() ? 0 : domain.size() - 1);
    return without_end.find('.') != std::string_view::npos;
}

// Sender-given routes within the local part: "user%elsewhere@here", "elsewhere!user@here", "\"user@elsewhere\"@here". We do not
// follow them, but the host that we relay for might.
bool has_route(const mail::Address& address) { return address.local_part.find_first_of("@%!") != std::string::npos; }

}  // namespace

const std::vector<Rule>& all_rules()
{
    using E = Evaluation;
    static const std::vector<Rule> rules{
        {"permit", &E::permit, false},
        {"reject", &E::reject, true},
        {"defer", &E::defer, true},
        {"permit_mynetworks", &E::permit_mynetworks, false},
        {"permit_sasl_authenticated", &E::permit_sasl_authenticated, false},
        {"permit_auth_destination", &E::permit_auth_destination, false},
        {"reject_unauth_destination", &E::reject_unauth_destination, true},
        {"defer_unauth_destination", &E::defer_unauth_destination, true},
        {"reject_unlisted_recipient", &E::reject_unlisted_recipient, false},
        {"reject_non_fqdn_sender", &E::reject_non_fqdn_sender, false},
        {"reject_non_fqdn_recipient", &E::reject_non_fqdn_recipient, false},
        {"reject_non_fqdn_helo_hostname", &E::reject_non_fqdn_helo_hostname, false},
        {"reject_invalid_helo_hostname", &E::reject_invalid_helo_hostname, false},
        {"reject_unknown_client_hostname", &E::reject_unknown_client_hostname, false},
        {"reject_unknown_reverse_client_hostname", &E::reject_unknown_reverse_client_hostname, false},
        {"reject_unknown_sender_domain", &E::reject_unknown_sender_domain, false},
        {"reject_unknown_recipient_domain", &E::reject_unknown_recipient_domain, false},
        {"reject_unauth_pipelining", &E::reject_unauth_pipelining, false},
    };
    return rules;
}

bool Evaluation::run(Stage stage, const Policy::Steps& steps, Policy::Verdict& verdict)
{
    stage_ = stage;
    for (const auto& step : steps) {
        auto opinion = (this->*step.rule->ask)();
        if (opinion.kind == Opinion::Kind::permit)
            return true;
        if (opinion.kind == Opinion::Kind::refuse && step.only_warns)
            verdict.warnings.push_back(std::move(opinion.reply));
        else if (opinion.kind == Opinion::Kind::refuse) {
            verdict.reply = std::move(opinion.reply);
            return false;
        }
    }
    return true;
}

// What a refusal is about, in Postfix's words.
std::string Evaluation::object_of(Stage stage) const
{
    switch (stage) {
    case Stage::client: return cat("<", client_.facts.client_name, "[", client_.facts.client_address, "]>: Client host");
    case Stage::helo: return cat("<", client_.facts.helo, ">: Helo command");
    case Stage::sender: return cat("<", sender_.external(), ">: Sender address");
    case Stage::recipient: return cat("<", recipient_ ? recipient_->external() : "", ">: Recipient address");
    case Stage::data: return "<DATA>: Data command";
    case Stage::end_of_data: break;
    }
    return "<END-OF-MESSAGE>: End-of-data";
}

Opinion Evaluation::refuse(std::string_view code, Stage about, std::string_view why) const
{
    return refuse(cat(code, " ", object_of(about), " rejected: ", why));
}

Opinion Evaluation::cannot_tell(Stage about) const
{
    const auto& address = about == Stage::recipient && recipient_ ? *recipient_ : sender_;
    auto object = about == Stage::client ? client_.facts.client_address : address.external();
    return refuse(cat("451 4.3.0 <", object, ">: Temporary lookup failure"));
}

const Result<service::Resolved>& Evaluation::resolved()
{
    if (!resolved_) {
        resolved_ = services_.resolver.check(sender_.internal(), recipient_->internal());
        if (!*resolved_)
            log::warning("address resolver: ", resolved_->error().text);
    }
    return *resolved_;
}

std::string Evaluation::final_recipient()
{
    const auto& answer = resolved();
    return answer && !answer->recipient.empty() ? answer->recipient : recipient_->internal();
}

Evaluation::Standing Evaluation::destination()
{
    if (recipient_->domain.empty() && iequals(recipient_->local_part, "postmaster"))
        return Standing::ours;  // RFC 5321 section 4.5.1
    const auto& answer = resolved();
    if (!answer || answer->address_class.empty() || answer->status.starts_with('4'))
        return Standing::unknown;
    if (has_route(*recipient_))
        return Standing::foreign;
    constexpr std::string_view ours[] = {"local", "virtual_alias", "virtual_mailbox", "relay"};
    bool is_ours = std::find(std::begin(ours), std::end(ours), answer->address_class) != std::end(ours);
    return is_ours ? Standing::ours : Standing::foreign;
}

Opinion Evaluation::permit() { return {Opinion::Kind::permit, ""}; }
Opinion Evaluation::reject() { return refuse("554 5.7.1", stage_, "Access denied"); }
Opinion Evaluation::defer() { return refuse("450 4.3.2", stage_, "Try again later"); }

Opinion Evaluation::permit_mynetworks()
{
    auto is_in = policy_.is_in_mynetworks(client_);
    if (!is_in)
        return cannot_tell(Stage::client);
    return *is_in ? permit() : go_on();
}

Opinion Evaluation::permit_sasl_authenticated() { return client_.facts.is_authenticated() ? permit() : go_on(); }

Opinion Evaluation::permit_auth_destination()
{
    if (!recipient_)
        return go_on();
    switch (destination()) {
    case Standing::ours: return permit();
    case Standing::foreign: return go_on();
    case Standing::unknown: break;
    }
    return cannot_tell(Stage::recipient);
}

Opinion Evaluation::unauth_destination(std::string_view code)
{
    if (!recipient_)
        return go_on();
    switch (destination()) {
    case Standing::ours: return go_on();
    case Standing::foreign: return refuse(cat(code, " <", recipient_->external(), ">: Relay access denied"));
    case Standing::unknown: break;
    }
    return cannot_tell(Stage::recipient);
}

Opinion Evaluation::reject_unauth_destination() { return unauth_destination("554 5.7.1"); }
Opinion Evaluation::defer_unauth_destination() { return unauth_destination("454 4.7.1"); }

Opinion Evaluation::reject_unlisted_recipient()
{
    if (!recipient_)
        return go_on();
    const auto& answer = resolved();
    if (!answer || (!answer->exists && !answer->status.starts_with('5')))
        return cannot_tell(Stage::recipient);
    if (answer->exists)
        return go_on();
    std::string_view text = answer->text;
    if (!policy_.params_->show_user_unknown_table_name)
        text = text.substr(0, text.find(table_prefix));
    return refuse(cat("550 ", answer->status), Stage::recipient, text);
}

Opinion Evaluation::reject_non_fqdn_sender()
{
    if (sender_.is_null() || is_full_domain(sender_.domain))
        return go_on();
    return refuse("504 5.5.2", Stage::sender, "need fully-qualified address");
}

Opinion Evaluation::reject_non_fqdn_recipient()
{
    bool is_postmaster = recipient_ && recipient_->domain.empty() && iequals(recipient_->local_part, "postmaster");
    if (!recipient_ || is_postmaster || is_full_domain(recipient_->domain))
        return go_on();
    return refuse("504 5.5.2", Stage::recipient, "need fully-qualified address");
}

Opinion Evaluation::reject_non_fqdn_helo_hostname()
{
    auto helo = smtp::parse_helo(client_.facts.helo);
    if (client_.facts.helo.empty() || (helo && helo->is_full))
        return go_on();
    return refuse("504 5.5.2", Stage::helo, "need fully-qualified hostname");
}

Opinion Evaluation::reject_invalid_helo_hostname()
{
    auto helo = smtp::parse_helo(client_.facts.helo);
    if (client_.facts.helo.empty() || (helo && helo->is_valid))
        return go_on();
    return refuse("501 5.5.2", Stage::helo, "Invalid name");
}

Opinion Evaluation::reject_unknown_client_hostname()
{
    if (client_.facts.client_name != unknown_host)
        return go_on();
    return refuse(cat("450 4.7.25 Client host rejected: cannot find your hostname, [", client_.facts.client_address, "]"));
}

Opinion Evaluation::reject_unknown_reverse_client_hostname()
{
    if (client_.facts.reverse_name != unknown_host)
        return go_on();
    return refuse(cat("450 4.7.25 Client host rejected: cannot find your reverse hostname, [", client_.facts.client_address, "]"));
}

// A domain is known if it has MX or address records; no DNS is asked for those that are delivered here.
Opinion Evaluation::unknown_domain(const mail::Address& address, Stage about, std::string_view status)
{
    if (address.is_null() || address.domain.empty() || address.domain.front() == '[')
        return go_on();
    auto home = services_.resolver.check(sender_.internal(), address.internal());
    if (!home || home->address_class.empty())
        return cannot_tell(about);
    if (home->address_class != "default" && home->address_class != "relay")
        return go_on();
    auto name = mail::lookup_domain(address.domain);
    if (!name)
        return refuse(cat("450 ", status), about, "Domain not found");
    auto mx = services_.dns.lookup(*name, dns::Type::mx);
    for (const auto& record : mx.all<dns::Mx>())
        if (record.host.empty())  // RFC 7505
            return refuse(about == Stage::sender ? "550 5.7.27" : "556 5.1.10", about, cat("Domain ", *name, " does not accept mail (nullMX)"));
    if (mx.status != dns::Status::nodata)
        return mx.is_found() ? go_on() : refuse(cat("450 ", mx.is_temporary() ? "4.4.3" : status), about, "Domain not found");
    bool is_temporary = false;
    for (auto type : {dns::Type::a, dns::Type::aaaa}) {
        auto answer = services_.dns.lookup(*name, type);
        if (answer.is_found())
            return go_on();
        is_temporary = is_temporary || answer.is_temporary();
    }
    return refuse(cat("450 ", is_temporary ? "4.4.3" : status), about, "Domain not found");
}

Opinion Evaluation::reject_unknown_sender_domain() { return unknown_domain(sender_, Stage::sender, "4.1.8"); }

Opinion Evaluation::reject_unknown_recipient_domain()
{
    return recipient_ ? unknown_domain(*recipient_, Stage::recipient, "4.1.2") : go_on();
}

Opinion Evaluation::reject_unauth_pipelining()
{
    return client_.is_out_of_step ? refuse("503 5.5.0", stage_, "Improper use of SMTP command pipelining") : go_on();
}

}  // namespace mta::smtpd
