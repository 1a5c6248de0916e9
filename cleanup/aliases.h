#pragma once

#include <functional>
#include <vector>

#include "queue/record.h"
#include "service/rewrite.h"

namespace mta::cleanup {

// Asks trivial-rewrite.
using AskRewrite = std::function<Result<service::ResolveReply>(const service::ResolveRequest&)>;

// What virtual aliases make of the recipients; asks as often as the answers need.
Result<std::vector<queue::Recipient>> expand_aliases(const std::vector<queue::Recipient>& recipients, const std::string& reverse_path,
                                                     const AskRewrite& ask);

}  // namespace mta::cleanup
