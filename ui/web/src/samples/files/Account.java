import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** An account that remembers what was paid in and out. */
public class Account {
    private final String owner;
    private final List<BigDecimal> entries = new ArrayList<>();

    public Account(String owner) {
        this.owner = owner;
    }

    public void deposit(BigDecimal amount) {
        if (amount.signum() <= 0) {
            throw new IllegalArgumentException("A deposit must be positive.");
        }
        entries.add(amount);
    }

    public void withdraw(BigDecimal amount) {
        ⟨cursor⟩
    }

    public BigDecimal balance() {
        return entries.stream().reduce(BigDecimal.ZERO, BigDecimal::add);
    }
}
