# Turns numbers into Roman numerals and back.
class Roman
  SIGNS = {
    1000 => "M", 900 => "CM", 500 => "D", 400 => "CD", 100 => "C", 90 => "XC",
    50 => "L", 40 => "XL", 10 => "X", 9 => "IX", 5 => "V", 4 => "IV", 1 => "I"
  }.freeze

  def self.from_number(number)
    ⟨cursor⟩
  end

  def self.to_number(text)
    rest = text.dup
    SIGNS.sum do |value, sign|
      count = 0
      count += 1 while rest.delete_prefix!(sign)
      count * value
    end
  end
end

puts Roman.from_number(2024)
