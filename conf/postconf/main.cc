#include <exception>

#include "log/log.h"
#include "conf/postconf/options.h"

using namespace mta;
using postconf::Subject;

namespace {

void run(const postconf::Options& options)
{
    bool is_shown = options.action == postconf::Action::show;
    switch (options.subject) {
    case Subject::parameters: return is_shown ? show_parameters(options) : edit_parameters(options);
    case Subject::table_types: return postconf::show_table_types();
    case Subject::manual: return postconf::print_manual();
    default: return is_shown ? show_services(options) : edit_services(options);
    }
}

}  // namespace

int main(int argc, char** argv)
try {
    log::open_stderr();
    log::set_tag("postconf");
    auto options = postconf::parse_options(argc, argv);
    if (options.subject == Subject::check)
        return check(options);
    run(options);
    return 0;
} catch (const std::exception& error) {
    log::fatal(error.what());
}
