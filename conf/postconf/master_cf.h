#pragma once

#include <string_view>
#include <vector>

#include "conf/postconf/entry.h"
#include "conf/postconf/options.h"

namespace mta::postconf {

// The services of master.cf. A bad line is fatal; no file is a warning and no services, or fatal if it is needed.
std::vector<Entry> load_entries(const Options& options, bool is_needed);

// Whether programs give $name a meaning where they use a value: pipe's ${recipient}, smtpd's $client_address.
bool is_known_macro(std::string_view name);

// Unknown parameters and undefined names in main.cf and master.cf.
void warn_about_names(const Options& options);

}  // namespace mta::postconf
