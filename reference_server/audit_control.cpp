#include "audit_file.hpp"
#include "pairing.hpp"
#include "storage/registry.hpp"

#include <bsp/base/encoding.hpp>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace bsp::server::audit_control {
namespace {

using namespace std::chrono_literals;

/// A place in the trail and what seals all up to it.
struct seal {
    std::uint64_t number = 0;
    sha256_digest hash{};

    [[nodiscard]] std::string text() const { return std::to_string(number) + ':' + to_hex(hash); }
};

/// The head that must still be part of the trail, as it goes by.
class expected_head {
public:
    explicit expected_head(std::string text) : text_{std::move(text)} {}
    void pass(seal const& s) { seen_ = seen_ || s.text() == text_; }
    void check() const {
        if (!text_.empty() && !seen_) throw not_achieved{"the trail does not contain the head " + text_ + ": it was cut off before it, or made anew"};
    }

private:
    std::string text_;
    bool seen_ = false;
};

std::string at(std::uint64_t line) { return "line " + std::to_string(line) + " of the file "; }

/// Every line seals the one before. Gives the last; throws `not_achieved` at the first that does not fit.
seal check_lines(std::filesystem::path const& path, expected_head& head) {
    std::ifstream file{path, std::ios::binary};
    if (!file) throw not_achieved{path.string() + " cannot be read"};
    seal last;
    for (std::string line; std::getline(file, line);) {
        std::uint64_t const n = last.number + 1;
        if (file.eof()) throw not_achieved{at(n) + "has no end: it was cut off within the line"};
        constexpr std::string_view before_hash = R"(, "hash": ")", after_hash = "\"}";
        std::size_t const sealed_bytes = line.size() - std::min(line.size(), before_hash.size() + 64 + after_hash.size());
        std::string const text = line.substr(0, sealed_bytes) + '}';
        sha256_digest const hash = chained(last.hash, text);
        if (!line.starts_with(R"({"number": )" + std::to_string(n) + ','))
            throw not_achieved{at(n) + "is not entry " + std::to_string(n) + ": lines were removed, added or moved"};
        if (line.substr(sealed_bytes) != std::string{before_hash} + to_hex(hash) + std::string{after_hash})
            throw not_achieved{at(n) + "does not fit its seal: it, or one before it, was altered"};
        head.pass(last = {n, hash});
    }
    return last;
}

/// The same of the store.
std::vector<sha256_digest> check_store(store_base& store, expected_head& head) {
    std::vector<sha256_digest> hashes;
    for (sha256_digest before{};;) {
        auto const page = store.read([&](store_reader& r) { return r.audit({.after = hashes.size(), .limit = 1'000}); });
        if (!page) throw std::runtime_error{page.error().detail};
        if (page->empty()) return hashes;
        for (auto const& e : *page) {
            std::string const which = "entry " + std::to_string(e.number) + " of the store ";
            if (e.number != hashes.size() + 1) throw not_achieved{which + "follows entry " + std::to_string(hashes.size()) + ": entries were removed"};
            if (e.hash != chained(before, entry_text(e))) throw not_achieved{which + "does not fit its seal: it, or one before it, was altered"};
            hashes.push_back(before = e.hash);
            head.pass({e.number, e.hash});
        }
    }
}

std::string whole(seal const& last) { return "whole: " + std::to_string(last.number) + " entries, head " + last.text(); }

}  // namespace

std::string verify(std::string const& store_name, std::filesystem::path const& data_dir, std::string const& head_text) {
    if (!is_postgres(store_name) && !std::filesystem::exists(data_dir / "bsp.db")) throw std::runtime_error{data_dir.string() + " has no store; name the server's --data-dir"};
    auto const store = open_store(is_postgres(store_name) ? store_name : "sqlite", data_dir);
    expected_head head{head_text};
    // A server that runs writes the file a moment behind the store.
    for (auto const until = std::chrono::steady_clock::now() + 3s;;) {
        auto const hashes = check_store(*store, head);
        seal const last = check_lines(data_dir / "audit.jsonl", head);
        if (last.number > hashes.size() && std::chrono::steady_clock::now() >= until)
            throw not_achieved{"the store ends at entry " + std::to_string(hashes.size()) + ", the file at " + std::to_string(last.number) + ": entries of the store were removed"};
        if (last.number > 0 && last.number <= hashes.size() && last.hash != hashes[last.number - 1])
            throw not_achieved{"the file is whole in itself, and not that of the store: one of them was made anew"};
        if (last.number == hashes.size()) return head.check(), whole(last);
        if (last.number < hashes.size() && std::chrono::steady_clock::now() >= until)
            throw not_achieved{"the file ends at entry " + std::to_string(last.number) + ", the store at " + std::to_string(hashes.size()) + ": the end of the file was cut off"};
        std::this_thread::sleep_for(100ms);
    }
}

std::string verify_copy(std::filesystem::path const& file, std::string const& head_text) {
    expected_head head{head_text};
    seal const last = check_lines(file, head);
    head.check();
    return whole(last);
}

}  // namespace bsp::server::audit_control
