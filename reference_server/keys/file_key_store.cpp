#include "key_store.hpp"

#include "../secure_file.hpp"

#include <stdexcept>

namespace bsp::server {
namespace {

/// Files that their owner alone can read, with the names of the secrets.
class file_key_store final : public key_store {
public:
    explicit file_key_store(std::filesystem::path dir) : dir_{std::move(dir)} {}

    /// The users may be shared with other programs, as their administrator lets them be.
    std::optional<std::string> read(std::string const& name) override { return name == "users.json" ? read_file(dir_ / name) : read_private_file(dir_ / name); }
    void write(std::string const& name, std::string const& text) override { write_private_file(dir_ / name, text, true); }
    void remove(std::string const& name) override { remove_private_file(dir_ / name); }
    [[nodiscard]] std::string place_of(std::string const& name) const override { return (dir_ / name).string(); }
    [[nodiscard]] std::string stamp(std::string const& name) override { return stamp_of(dir_ / name); }

private:
    std::filesystem::path dir_;
};

}  // namespace

std::unique_ptr<key_store> open_file_key_store(std::filesystem::path const& data_dir) { return std::make_unique<file_key_store>(data_dir); }

}  // namespace bsp::server
