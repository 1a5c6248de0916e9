#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/result.h"
#include "qmgr/params.h"
#include "table/match_list.h"

namespace mta::qmgr {

// Who may ask qmgr for what: its socket is everybody's, for postqueue(1).
class Visitors {
public:
    static Result<Visitors> open(const Params& params);

    // An Error for who may not, which is temporary if nobody can tell now.
    Result<void> may_ask(uid_t user, std::string_view request);
    // Everybody may flush: nothing has to be looked up.
    bool are_equal() const { return are_equal_; }

private:
    table::MatchList flushers_;
    bool are_equal_ = false;
};

}  // namespace mta::qmgr
