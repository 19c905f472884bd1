#pragma once

#include "kept_content.hpp"

#include <bsp/crypto/content_cipher.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace bsp::server {

/// Content and its digest, which would tell a guess from a miss and is therefore sealed with it.
struct digested_content {
    std::string text;
    sha256_digest digest{};
};
/// The same as columns hold it, and on its way there. Where content is sealed the digest is the keyed one.
struct kept_digested_content {
    kept_content content;
    sha256_digest digest{};
};
struct digested_content_to_keep {
    content_to_keep content;
    sha256_digest digest{};
};

/// What stands between a store and its columns of content (section 18.4). Without a cipher it changes nothing. What cannot be
/// opened is told by std::runtime_error and never passed over, and so is text that nobody has sealed among what is sealed.
class content_codec {
public:
    content_codec() = default;
    /// Of a store whose content is sealed; without the cipher whoever touches content is told so.
    explicit content_codec(std::shared_ptr<content_cipher const> cipher) : cipher_{std::move(cipher)}, is_sealed_{true} {}

    [[nodiscard]] content_to_keep put(std::string_view text, content_place const& place) const {
        return is_sealed_ ? content_to_keep::sealed(cipher().seal(text, place)) : content_to_keep::plain(text);
    }
    [[nodiscard]] std::string get(kept_content kept, content_place const& place) const {
        if (!is_sealed_) {
            if (kept.is_sealed) throw std::runtime_error{name_of(place) + " is sealed, and this store is not"};
            return std::move(kept.bytes);
        }
        auto text = kept.is_sealed ? cipher().open(kept.bytes, place) : std::nullopt;
        if (!text) throw std::runtime_error{name_of(place) + (kept.is_sealed ? " cannot be opened: it was altered or exchanged, or sealed under another key" : " is not sealed, as all content here is: it was put there by somebody else")};
        return *std::move(text);
    }

    [[nodiscard]] digested_content_to_keep put(std::string_view text, sha256_digest const& digest, content_place const& place) const {
        if (!is_sealed_) return {content_to_keep::plain(text), digest};
        return {put(std::string{digest.begin(), digest.end()}.append(text), place), cipher().keyed(digest)};
    }
    [[nodiscard]] digested_content get(kept_digested_content kept, content_place const& place) const {
        if (!is_sealed_) return {get(std::move(kept.content), place), kept.digest};
        std::string const both = get(std::move(kept.content), place);
        digested_content c;
        if (both.size() < c.digest.size()) throw std::runtime_error{name_of(place) + " has no digest"};
        std::copy_n(both.begin(), c.digest.size(), c.digest.begin());
        if (cipher().keyed(c.digest) != kept.digest) throw std::runtime_error{name_of(place) + " is not what its digest was made of: rows were exchanged"};
        c.text = both.substr(c.digest.size());
        return c;
    }

    /// By how many bytes a kept value is longer than its text.
    [[nodiscard]] std::size_t overhead_bytes() const { return is_sealed_ ? content_cipher::overhead_bytes : 0; }

private:
    static std::string name_of(content_place const& place) { return "a kept " + std::string{place.column}; }

    [[nodiscard]] content_cipher const& cipher() const {
        if (!cipher_) throw std::runtime_error{"content is sealed, and its key is not at hand"};
        return *cipher_;
    }

    std::shared_ptr<content_cipher const> cipher_;
    bool is_sealed_ = false;
};

}  // namespace bsp::server
