// Covers: lib/config/services.cc conf/postconf/entry.cc pipe/attributes.cc pipe/expand.cc
#include "base/text.h"
#include "conf/postconf/entry.h"
#include "config/config.h"
#include "t/fuzz/lib/target.h"
#include "pipe/attributes.h"
#include "pipe/expand.h"

// master.cf as master reads it and as postconf reads and prints it, and the attributes that pipe's lines have.
namespace {

using namespace mta;

void check_entry(std::string_view line)
{
    auto entry = postconf::parse_entry(line);
    if (!entry)
        return;
    for (bool fold : {false, true}) {
        auto again = postconf::parse_entry(replace_all(postconf::print_entry(*entry, fold), "\n", " "));
        HOLDS(again && again->fields == entry->fields && again->arguments == entry->arguments);
    }
    HOLDS(entry->option_count() <= entry->arguments.size());
    for (auto place : entry->option_values())
        HOLDS(place < entry->arguments.size());
    HOLDS(entry->overrides().size() <= entry->arguments.size());
}

void check_pipe(const std::vector<std::string>& arguments)
{
    auto attributes = pipe::parse_attributes(arguments);
    if (!attributes)
        return;
    HOLDS(!attributes->argv.empty());
    service::DeliveryRequest request;
    request.reverse_path = "a b@example.com";
    request.recipients = {{0, "Anna+x@Example.com", "", "", ""}, {1, "-otto@example.net", "anna@example.com", "", ""}};
    std::vector<pipe::Macros> recipients;
    for (const auto& recipient : request.recipients)
        recipients.push_back(pipe::recipient_macros(recipient, *attributes, "+"));
    for (const auto& word : attributes->argv)
        (void)pipe::check_template(word).operator bool();
    auto words = pipe::expand_arguments(attributes->argv, pipe::request_macros(request, *attributes), recipients, false);
    if (!words)
        return;
    HOLDS(words->size() <= recipients.size() * attributes->argv.size());
    // What begins with a dash was written so by the administrator.
    bool has_dash = std::any_of(attributes->argv.begin(), attributes->argv.end(), [](const std::string& word) { return word.starts_with('-'); });
    for (const auto& word : *words)
        HOLDS(has_dash || !word.starts_with('-'));
}

}  // namespace

FUZZ(input)
{
    auto services = config::parse_services(input);
    if (!services)
        HOLDS(services.error().text.starts_with("master.cf, line "));
    else
        for (const auto& service : *services) {
            HOLDS(!service.command.empty() && service.command.find('/') == std::string::npos && service.wakeup >= 0);
            HOLDS(service.type != "inet" || !service.is_private);
            check_pipe(service.arguments);
        }
    for (auto line : split(input, '\n'))
        check_entry(line);
}
