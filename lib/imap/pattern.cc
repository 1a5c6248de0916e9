#include "imap/pattern.h"

#include <vector>

#include "base/text.h"

namespace mta::imap {

bool matches(std::string_view pattern, std::string_view name, char separator)
{
    bool is_inbox = istarts_with(name, "INBOX") && (name.size() == 5 || name[5] == separator);
    std::size_t any_case_until = is_inbox ? 5 : 0;
    // reached[i]: the pattern so far matches the first i characters of the name.
    std::vector<bool> reached(name.size() + 1, false);
    reached[0] = true;
    for (char p : pattern) {
        if (p == '*' || p == '%') {
            for (std::size_t i = 0; i < name.size(); ++i)
                if (reached[i] && (p == '*' || name[i] != separator))
                    reached[i + 1] = true;
            continue;
        }
        for (std::size_t i = name.size(); i > 0; --i) {
            char c = name[i - 1];
            bool is_same = c == p || (i <= any_case_until && lower(c) == lower(p));
            reached[i] = is_same && reached[i - 1];
        }
        reached[0] = false;
    }
    return reached[name.size()];
}

}  // namespace mta::imap
