// Covers: lib/mime/words.cc
#include "mime/words.h"

#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "mime/charset.h"

// RFC 2047: what comes out of decoding is UTF-8; what we encode decodes to what it was.
FUZZ(input)
{
    using namespace mta;
    HOLDS(is_utf8(mime::decode_words(input)));
    auto words = mime::encode_words(input);
    HOLDS(is_ascii(words));
    for (auto word : split_words(words, " "))
        HOLDS(word.size() <= 75 && word.starts_with("=?") && word.ends_with("?="));
    HOLDS(mime::decode_words(words) == mime::guess_utf8(input));
}
