#include <cstdio>

#include "base/text.h"
#include "conf/postconf/catalog.h"
#include "conf/postconf/options.h"

// postconf(5): made from the declarations, so that it cannot lie about a default.
namespace mta::postconf {

namespace {

// Text for an mdoc line: no character of it is a request or an escape.
std::string mdoc(std::string_view text)
{
    auto out = replace_all(replace_all(text, "\\", "\\e"), "-", "\\-");
    for (std::size_t at = 0; (at = out.find(". ", at)) != std::string::npos; ++at)
        if (at + 2 < out.size() && out[at + 2] != '.' && out[at + 2] != '\'')
            out[at + 1] = '\n';  // a sentence, a line
    if (out.starts_with('.') || out.starts_with('\''))
        out.insert(0, "\\&");
    return out;
}

// The same as one argument of a macro.
std::string argument(std::string_view text)
{
    return cat("\"", replace_all(mdoc(text), "\"", "\\(dq"), "\"");
}

void print_parameter(const std::string& name, const Parameter& parameter)
{
    const auto& declared = parameter.declaration;
    auto value = name == "myhostname"   ? std::string("the name of the host")
                 : name == "mydomain"   ? std::string("$myhostname without its first part")
                 : declared.default_value.empty() ? std::string("empty")
                                                  : declared.default_value;
    std::printf(".It Ic %s\n(%s; default:\n.Li %s )\n.br\n%s\n", mdoc(name).c_str(), declared.type.c_str(), argument(value).c_str(),
                mdoc(declared.doc).c_str());
    if (!parameter.programs.empty())
        std::printf(".br\nRead by %s.\n", mdoc(join(parameter.programs, ", ")).c_str());
}

}  // namespace

void print_manual()
{
    std::puts(".\\\" Made from the parameters' declarations; do not edit.\n"
              ".Dd November 24, 2026\n.Dt POSTCONF 5\n.Os\n"
              ".Sh NAME\n.Nm postconf\n.Nd configuration parameters\n"
              ".Sh DESCRIPTION\n"
              "These are the parameters that programs of the suite read from\n.Xr main.cf 5 ,\n"
              "where the syntax is described.\n"
              "A time is a whole number and one of\n.Cm s , m , h , d , w\n"
              "(seconds to weeks); a list has commas or white space between its parts.\n"
              ".Bl -tag -width Ds");
    auto catalog = builtin_parameters();
    for (const auto& [name, parameter] : catalog)
        print_parameter(name, parameter);
    std::puts(".El\n"
              ".Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/buuta/main.cf\nThe parameters' values.\n.El\n"
              ".Sh SEE ALSO\n.Xr postconf 1 ,\n.Xr main.cf 5 ,\n.Xr master.cf 5");
}

}  // namespace mta::postconf
