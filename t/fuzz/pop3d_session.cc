// Covers: pop3d/session.cc
#include "pop3d/session.h"

#include "base/text.h"
#include "t/fuzz/lib/peer.h"
#include "t/fuzz/lib/scratch.h"

// A whole POP3 session of a user who has logged in: its answers are whole lines, and only QUIT removes.
namespace {

using namespace mta;

const pop3d::Params& params()
{
    static const config::Config config;
    static const pop3d::Params params(config);
    return params;
}

// Whole lines, of which the first is the answer to a command; what stands in a message cannot end its text.
void check_answers(std::string_view text)
{
    HOLDS(text.empty() || text.starts_with("+OK") || text.starts_with("-ERR"));
    HOLDS(text.empty() || text.ends_with("\r\n"));
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
        HOLDS(at > 0 && text[at - 1] == '\r');
    HOLDS(text.find("\r\n.dot") == std::string_view::npos);
}

}  // namespace

FUZZ(input)
{
    fuzz::silence_log();
    fuzz::Input in(input);
    auto seed = in.number(256);
    auto root = fuzz::fresh_maildir();
    auto mailbox = maildir::Mailbox::open(root);
    HOLDS(mailbox);
    std::string heard;
    pop3d::Session session(params(), fuzz::stream_to(in.rest(), seed, heard), std::move(*mailbox));
    auto end = session.run();
    check_answers(heard);
    auto after = maildir::Mailbox::open(root);
    HOLDS(after);
    auto inbox = (*after)->open_folder("INBOX", true);
    HOLDS(inbox);
    auto left = (*inbox)->messages().size();
    HOLDS(left == session.totals().messages - (end == pop3d::End::quit ? session.totals().deleted : 0));
}
