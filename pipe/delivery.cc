#include "pipe/delivery.h"

#include <numeric>

#include "base/text.h"
#include "deliver/content.h"
#include "log/log.h"
#include "pipe/expand.h"

namespace mta::pipe {

namespace {

std::chrono::seconds time_limit_of(const Params& params, const std::string& service)
{
    auto name = cat(service, "_time_limit");
    auto value = params.config().value(name, "$command_time_limit");
    auto limit = value ? config::parse_time(*value) : std::nullopt;
    if (!limit)
        log::fatal(name, ": ", value ? cat("\"", *value, "\" is not a time") : value.error().text);
    return std::chrono::ceil<std::chrono::seconds>(*limit);
}

}  // namespace

Delivery::Delivery(const Params& params, std::string service, Attributes attributes)
    : params_(params), service_(std::move(service)), attributes_(std::move(attributes)), time_limit_(time_limit_of(params, service_))
{
}

void Delivery::run(deliver::Job& job) const
{
    std::vector<std::size_t> all(job.recipients());
    std::iota(all.begin(), all.end(), 0u);
    if (!attributes_.has_delivered_to && !attributes_.has_original_to)
        return run_for(job, all);
    for (auto index : all)
        run_for(job, {index});
}

void Delivery::run_for(deliver::Job& job, const std::vector<std::size_t>& indexes) const
{
    auto outcome = outcome_for(job, indexes);
    for (auto index : indexes)
        job.report(index, outcome, service_);
}

deliver::Outcome Delivery::outcome_for(deliver::Job& job, const std::vector<std::size_t>& indexes) const
{
    const auto& request = job.request();
    const auto& recipient = job.recipient(indexes.front());
    auto size = static_cast<std::uint64_t>(request.size), offset = static_cast<std::uint64_t>(request.offset);
    if (attributes_.size_limit > 0 && request.size > attributes_.size_limit)
        return deliver::outcome_of(Error{cat("message size ", request.size, " exceeds size limit ", attributes_.size_limit, " for service ", service_), "5.2.3"});
    if (attributes_.has_delivered_to && deliver::was_delivered_to(deliver::read_header(job.message(), offset, size), recipient.address))
        return deliver::outcome_of(Error{cat("mail forwarding loop for ", recipient.address), "5.4.6"});
    auto command = command_for(job, indexes);
    if (!command)
        return deliver::outcome_of(command.error());
    command->progress = [&job] { job.progress(); };
    deliver::Content content(deliver::leading_lines(request, recipient, attributes_, deliver::date_now(), attributes_.eol), job.message(), offset, size, attributes_);
    job.connected();
    auto ended = deliver::run_command(*command, [&] { return content.next(); });
    auto outcome = deliver::judge(ended, join(command->arguments, " "));
    outcome.is_relayed = !attributes_.is_final;
    if (outcome.action == deliver::Action::sent)
        outcome.text = cat("delivered via ", service_, " service", ended.output.empty() ? "" : cat(" (", ended.output, ")"));
    return outcome;
}

Result<deliver::Command> Delivery::command_for(const deliver::Job& job, const std::vector<std::size_t>& indexes) const
{
    std::vector<Macros> recipients;
    for (auto index : indexes)
        recipients.push_back(recipient_macros(job.recipient(index), attributes_, params_.recipient_delimiter()));
    auto arguments = expand_arguments(attributes_.argv, request_macros(job.request(), attributes_), recipients, params_.allow_min_user);
    if (!arguments)
        return arguments.error();
    return deliver::Command{*std::move(arguments), deliver::command_environment(params_.export_environment), attributes_.directory, time_limit_,
                            params_.command_process_limit, [] {}};
}

}  // namespace mta::pipe
