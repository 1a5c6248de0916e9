#pragma once

#include <string>
#include <string_view>

#include "base/text.h"

namespace mta::test {

// Shell commands that prepare "mbsync -c $OUT/rc -a" between the mailbox of $USER and maildirs in $OUT/boxes, INBOX among them; the
// channel's own lines say what is to be done.
inline std::string mbsync_setup(std::string_view channel)
{
    return cat(R"(mkdir $OUT/boxes
cat > $OUT/rc <<RC
IMAPStore remote
Host localhost
Port $IMAPS_PORT
SSLType IMAPS
CertificateFile $CA_FILE
User $USER
Pass $PASS

MaildirStore here
Path $OUT/boxes/
Inbox $OUT/boxes/INBOX
SubFolders Verbatim

Channel all
Far :remote:
Near :here:
SyncState *
)", channel, "\nRC\n");
}

}  // namespace mta::test
